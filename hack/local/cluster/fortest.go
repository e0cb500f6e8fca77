package cluster

import (
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ForTest starts etcd and the API server for a test and stops them when it ends. It takes about five seconds, so share one
// among subtests and give each a Namespace. The first run on a machine builds the servers, which takes minutes:
// progress goes to standard error, since go test shows a test's own log only at its end.
func ForTest(t testing.TB) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), Options{Dir: t.TempDir(), Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Err(); err != nil {
			t.Error(err)
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// Namespace creates a namespace with a name of its own for a test. It is not deleted: the cluster does not live long.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	namespace, err = client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}
