package cluster_test

import (
	"context"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/hack/local/crds"
)

func TestForTest(t *testing.T) {
	c := cluster.ForTest(t)
	client, err := kubernetes.NewForConfig(c.Config())
	if err != nil {
		t.Fatal(err)
	}

	t.Run("reports the version that is pinned", func(t *testing.T) {
		version, err := client.Discovery().ServerVersion()
		if err != nil {
			t.Fatal(err)
		}
		if version.Major != "1" || version.GitVersion == "v0.0.0" {
			t.Errorf("server version is %s, want a released one", version)
		}
	})

	t.Run("gives a service account its own rights and no more", func(t *testing.T) {
		testServiceAccount(t, c, client)
	})

	t.Run("installs and serves CRDs", func(t *testing.T) {
		dirs, err := crds.Dirs()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.InstallCRDs(t.Context(), dirs...); err != nil {
			t.Fatal(err)
		}
		for _, groupVersion := range []string{
			"application.giantswarm.io/v1alpha1", "image.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1",
		} {
			if _, err := client.Discovery().ServerResourcesForGroupVersion(groupVersion); err != nil {
				t.Errorf("%s is not served: %v", groupVersion, err)
			}
		}
	})

	t.Run("keeps its objects when the API server is killed and restarted", func(t *testing.T) {
		namespace := c.Namespace(t)
		if err := c.APIServer().Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.RestartAPIServer(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := client.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	})
}

func testServiceAccount(t *testing.T, c *cluster.Cluster, admin kubernetes.Interface) {
	t.Helper()
	ctx, namespace := t.Context(), c.Namespace(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "reader"}}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Name: "reader", Namespace: namespace}},
	}
	must(t, second(admin.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})))
	must(t, second(admin.RbacV1().Roles(namespace).Create(ctx, role, metav1.CreateOptions{})))
	must(t, second(admin.RbacV1().RoleBindings(namespace).Create(ctx, binding, metav1.CreateOptions{})))

	path, err := c.KubeconfigFor(ctx, types.NamespacedName{Namespace: namespace, Name: "reader"})
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("%s holds a token and has mode %v, want 0600", path, info.Mode())
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	must(t, err)
	reader, err := kubernetes.NewForConfig(config)
	must(t, err)
	allowed := func(ctx context.Context) (bool, error) { // the authorizer learns of a new binding through its own watch
		_, err := reader.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return err == nil, err
	}
	must(t, wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 10*time.Second, true, allowed))
	if _, err := reader.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("listing secrets gave %v, want Forbidden", err)
	}
}

func TestControllerManager(t *testing.T) {
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: t.TempDir(), ControllerManager: true, Progress: os.Stderr})
	must(t, err)
	t.Cleanup(func() { must(t, c.Stop()) })
	client, err := kubernetes.NewForConfig(c.Config())
	must(t, err)
	namespace := c.Namespace(t)
	must(t, second(client.CoreV1().ConfigMaps(namespace).
		Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "content"}}, metav1.CreateOptions{})))

	must(t, client.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}))
	gone := func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	}
	must(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, gone))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func second[T any](_ T, err error) error { return err }
