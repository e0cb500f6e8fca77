package checks

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

const widgets = "testdata/widgets.yaml"

var container = corev1.Container{Name: "main", Image: "example.com/image"}

func (e *environment) testUnreadable(t *testing.T) {
	namespace := e.cluster.Namespace(t)
	reader, woken := e.reader(t, e.cluster.Config())
	cases := map[string]struct {
		check   v1alpha1.HealthCheck
		message string
		polled  bool
	}{
		"unknown kind": {
			check:   v1alpha1.HealthCheck{APIVersion: "example.com/v1", Kind: "Gadget", Name: "a"},
			message: "the cluster has no kind Gadget in example.com/v1: correct apiVersion and kind, or install its custom resource definition",
			polled:  true,
		},
		"unknown version": {
			check:   v1alpha1.HealthCheck{APIVersion: "apps/v1beta1", Kind: "Deployment", Name: "a"},
			message: "the cluster has Deployment in apps/v1 and not in apps/v1beta1: correct apiVersion",
			polled:  true,
		},
		"cluster-scoped": {
			check:   v1alpha1.HealthCheck{APIVersion: "v1", Kind: "Namespace", Name: namespace},
			message: "is not of this namespace, as its kind is cluster-scoped: name an object of the policy's namespace",
		},
		"secret": {
			check:   v1alpha1.HealthCheck{APIVersion: "v1", Kind: "Secret", Name: "a"},
			message: "Secrets are not looked at: name the workload that uses it",
		},
	}
	for name, c := range cases {
		e.policy(t, reader, namespace, strings.ReplaceAll(name, " ", "-"), c.check)
		woken.forget()
		wantAnswer(t, reader, namespace, c.check, rollout.Check{
			Name: c.check.Kind + " " + c.check.Name, Message: c.message, Unreadable: true,
		})
		if got := woken.count() > 0; got != c.polled {
			t.Errorf("%s: is polled: %v, want %v", name, got, c.polled)
		}
	}
}

// testForbidden goes from no right at all to reading, and to watching.
func (e *environment) testForbidden(t *testing.T) {
	namespace := e.cluster.Namespace(t)
	role := e.account(t, namespace)
	config, err := e.cluster.ConfigFor(t.Context(), types.NamespacedName{Namespace: namespace, Name: "reader"})
	must(t, err)
	reader, woken := e.reader(t, config)
	clock := testclock.NewFakePassiveClock(time.Now())
	reader.watcher.clock = clock
	check := v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "agent"}
	e.policy(t, reader, namespace, "one", check)

	wantAnswer(t, reader, namespace, check, rollout.Check{Name: "DaemonSet agent", Unreadable: true,
		Message: `the operator may not get daemonsets.apps: add {apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["get", "list", "watch"]} to rbac.extraRules of its chart`})
	must(t, woken.are(namespace+"/one 1m0s"))

	e.grant(t, role, "get")
	unwatched := rollout.Check{Name: "DaemonSet agent",
		Absent:  true,
		Message: "does not exist (looked at every minute, as the operator may not list and watch daemonsets.apps)"}
	cluster.Eventually(t, func() error { return answers(t, reader, namespace, check, unwatched) })
	e.grant(t, role, "get", "list", "watch")
	woken.forget()
	wantAnswer(t, reader, namespace, check, unwatched) // it asks seldom
	must(t, woken.are(namespace+"/one 1m0s"))

	watched := rollout.Check{Name: "DaemonSet agent", Absent: true, Message: "does not exist"}
	cluster.Eventually(t, func() error { // the authorizer learns of a new rule through its own watch
		clock.SetTime(clock.Now().Add(maxBackOff))
		return answers(t, reader, namespace, check, watched)
	})
}

func (e *environment) testKind(t *testing.T) {
	namespace := e.cluster.Namespace(t)
	reader, woken := e.reader(t, e.cluster.Config())
	check := v1alpha1.HealthCheck{APIVersion: "example.com/v1", Kind: "Widget", Name: "a"}
	e.policy(t, reader, namespace, "one", check)
	got, err := reader.Read(t.Context(), namespace, []v1alpha1.HealthCheck{check})
	must(t, err)
	if !got[0].Unreadable {
		t.Fatalf("got %+v", got)
	}

	must(t, e.cluster.InstallCRDs(t.Context(), widgets))
	cluster.Eventually(t, func() error {
		return answers(t, reader, namespace, check, rollout.Check{Name: "Widget a", Absent: true, Message: "does not exist"})
	})
	woken.forget()
	widget := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget"}}
	widget.SetNamespace(namespace)
	widget.SetName("a")
	must(t, e.admin.Create(t.Context(), widget))
	cluster.Eventually(t, func() error { return woken.are(namespace + "/one 1s") })
	wantAnswer(t, reader, namespace, check, rollout.Check{Name: "Widget a", Current: true})

	woken.forget()
	definition := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}}
	definition.SetName("widgets.example.com")
	must(t, e.admin.Delete(t.Context(), definition))
	cluster.Eventually(t, func() error { // once for the object, once for the watch that is over
		if woken.count() < 2 {
			return fmt.Errorf("the policy is not told that the kind is gone")
		}
		return nil
	})
	woken.forget()
	got, err = reader.Read(t.Context(), namespace, []v1alpha1.HealthCheck{check})
	must(t, err)
	if got[0].Current {
		t.Errorf("got %+v", got)
	}
	must(t, woken.are(namespace+"/one 1m0s"))
}

func (e *environment) testLimit(t *testing.T) {
	namespace := e.cluster.Namespace(t)
	reader, woken := e.reader(t, e.cluster.Config())
	reader.watcher.limit = 1
	jobs := v1alpha1.HealthCheck{APIVersion: "batch/v1", Kind: "Job", Name: "a"}
	claims := v1alpha1.HealthCheck{APIVersion: "v1", Kind: "PersistentVolumeClaim", Name: "a"}
	e.policy(t, reader, namespace, "jobs", jobs)
	e.policy(t, reader, namespace, "claims", claims)
	wantAnswer(t, reader, namespace, jobs, rollout.Check{Name: "Job a", Absent: true, Message: "does not exist"})
	must(t, woken.are())
	wantAnswer(t, reader, namespace, claims, rollout.Check{Name: "PersistentVolumeClaim a",
		Absent:  true,
		Message: "does not exist (looked at every minute, as the operator watches as many other kinds as it may)"})
	must(t, woken.are(namespace+"/claims 1m0s"))

	policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "jobs"}}
	must(t, e.admin.Delete(t.Context(), policy))
	cluster.Eventually(t, func() error { // nobody names a Job any more
		return answers(t, reader, namespace, claims, rollout.Check{Name: "PersistentVolumeClaim a", Absent: true, Message: "does not exist"})
	})
}

// account makes a service account that may only see policies, and returns the role that says so.
func (e *environment) account(t *testing.T, namespace string) *rbacv1.ClusterRole {
	t.Helper()
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "checks-" + namespace},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"appupgradepolicies"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{"apps"}, Resources: []string{"daemonsets"}},
		},
	}
	role.Rules[1].Verbs = []string{"delete"}
	must(t, e.admin.Create(t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "reader"}}))
	must(t, e.admin.Create(t.Context(), role))
	must(t, e.admin.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "reader"}},
	}))
	return role
}

// grant lets the account do this, and nothing else, with DaemonSets.
func (e *environment) grant(t *testing.T, role *rbacv1.ClusterRole, verbs ...string) {
	t.Helper()
	role.Rules[1].Verbs = verbs
	must(t, e.admin.Update(t.Context(), role))
}

func answers(t *testing.T, r *Reader, namespace string, check v1alpha1.HealthCheck, want rollout.Check) error {
	t.Helper()
	got, err := r.Read(t.Context(), namespace, []v1alpha1.HealthCheck{check})
	if err != nil {
		return err
	}
	if len(got) != 1 || got[0] != want {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}

func (w *woken) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.notes)
}
