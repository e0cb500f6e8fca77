package cluster

import (
	"context"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
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

const (
	patience = 2 * time.Minute // for a machine that does much else
	interval = 20 * time.Millisecond
)

// Eventually looks again and again until a check has nothing to say, and fails the test with what it said last after two
// minutes.
func Eventually(t testing.TB, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), interval, patience, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("still wrong after %s: %v", patience, last)
	}
}
