package checks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
)

const ownCRD = "../../config/crd/upgrades.giantswarm.io_appupgradepolicies.yaml"

// TestCluster reads and watches through a real API server. Deployments have no controller there: the test is it.
func TestCluster(t *testing.T) {
	log.SetLogger(logr.Discard())
	e := &environment{cluster: cluster.ForTest(t)}
	must(t, e.cluster.InstallCRDs(t.Context(), ownCRD))
	all := runtime.NewScheme()
	must(t, scheme.AddToScheme(all))
	must(t, v1alpha1.AddToScheme(all))
	admin, err := client.New(e.cluster.Config(), client.Options{Scheme: all})
	must(t, err)
	e.admin = admin
	for name, test := range map[string]func(*testing.T){
		"follows a Deployment":                    e.testDeployment,
		"wakes policies through their controller": e.testController,
		"says why it cannot read":                 e.testUnreadable,
		"says what permission it lacks":           e.testForbidden,
		"notices that a kind comes and goes":      e.testKind,
		"watches a bounded number of kinds":       e.testLimit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

type environment struct {
	cluster *cluster.Cluster
	admin   client.Client
}

func (e *environment) testDeployment(t *testing.T) {
	namespace, other := e.cluster.Namespace(t), e.cluster.Namespace(t)
	reader, woken := e.reader(t, e.cluster.Config())
	check := v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: "hello"}
	e.policy(t, reader, namespace, "one", check)
	e.policy(t, reader, namespace, "two", check)
	e.policy(t, reader, namespace, "bystander", v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "Deployment", Name: "bye"})
	e.policy(t, reader, other, "stranger", check)

	want := func(current bool, message string) {
		t.Helper()
		absent := message == "does not exist"
		wantAnswer(t, reader, namespace, check, rollout.Check{Name: "Deployment hello", Current: current, Absent: absent, Message: message})
	}
	changed := func() { // exactly once
		t.Helper()
		cluster.Eventually(t, func() error { return woken.are(namespace+"/one 1s", namespace+"/two 1s") })
		woken.forget()
	}
	want(false, "does not exist")
	must(t, woken.are())

	deployment := makeDeployment(namespace, "hello")
	must(t, e.admin.Create(t.Context(), deployment))
	changed()
	want(false, "InProgress: Replicas: 0/1")
	deployment.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1}
	must(t, e.admin.Status().Update(t.Context(), deployment))
	changed()
	want(false, "InProgress: Available: 0/1")
	deployment.Status.ReadyReplicas, deployment.Status.AvailableReplicas = 1, 1
	deployment.Status.Conditions = []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentAvailable, Status: "True"},
		{Type: appsv1.DeploymentProgressing, Status: "True", Reason: "NewReplicaSetAvailable"},
	}
	must(t, e.admin.Status().Update(t.Context(), deployment))
	changed()
	want(true, "")
	must(t, e.admin.Delete(t.Context(), deployment))
	changed()
	want(false, "does not exist")
	must(t, woken.are())
}

func (e *environment) testController(t *testing.T) {
	namespace := e.cluster.Namespace(t)
	mgr := e.manager(t, e.cluster.Config())
	reader, err := New(mgr)
	must(t, err)
	var mu sync.Mutex
	var last []rollout.Check
	policies, err := controller.New("checks", mgr, controller.Options{
		SkipNameValidation: ptr.To(true),
		Reconciler: reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
			var policy v1alpha1.AppUpgradePolicy
			if err := mgr.GetClient().Get(ctx, request.NamespacedName, &policy); err != nil {
				return reconcile.Result{}, err
			}
			answers, err := reader.Read(ctx, policy.Namespace, policy.Spec.Rollout.Health.Checks)
			mu.Lock()
			defer mu.Unlock()
			last = answers
			return reconcile.Result{}, err
		}),
	})
	must(t, err)
	must(t, reader.Watch(t.Context(), policies))
	start(t, mgr)
	check := v1alpha1.HealthCheck{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db"}
	e.policy(t, reader, namespace, "one", check)
	// Nothing else wakes it: the object's change has to.
	_, err = reader.Read(t.Context(), namespace, []v1alpha1.HealthCheck{check})
	must(t, err)
	deployment := makeDeployment(namespace, "db")
	must(t, e.admin.Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: deployment.ObjectMeta,
		Spec:       appsv1.StatefulSetSpec{Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}))
	cluster.Eventually(t, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(last) != 1 || !strings.HasPrefix(last[0].Message, "InProgress: ") {
			return fmt.Errorf("got %+v", last)
		}
		return nil
	})
}

func makeDeployment(namespace, name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	deployment.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	deployment.Spec.Template.Labels = labels
	deployment.Spec.Template.Spec.Containers = append(deployment.Spec.Template.Spec.Containers, container)
	return deployment
}

// policy creates a policy with checks and waits until the reader would wake it.
func (e *environment) policy(t *testing.T, r *Reader, namespace, name string, checks ...v1alpha1.HealthCheck) {
	t.Helper()
	policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	policy.Spec.Targets = []v1alpha1.TargetReference{{Name: "hello"}}
	policy.Spec.Versions.Range = "*"
	policy.Spec.Rollout = &v1alpha1.Rollout{Health: &v1alpha1.Health{Checks: checks}}
	must(t, e.admin.Create(t.Context(), policy))
	cluster.Eventually(t, func() error {
		return r.waker.policies.Get(t.Context(), client.ObjectKeyFromObject(policy), &v1alpha1.AppUpgradePolicy{})
	})
}

// reader is one whose policies are noted instead of woken. Its watches' clock stands still.
func (e *environment) reader(t *testing.T, config *rest.Config) (*Reader, *woken) {
	t.Helper()
	mgr := e.manager(t, config)
	reader, err := New(mgr)
	must(t, err)
	must(t, reader.index.IndexField(t.Context(), &v1alpha1.AppUpgradePolicy{}, indexField, indexKeys))
	woken := &woken{}
	reader.watcher.clock = testclock.NewFakePassiveClock(time.Now())
	reader.waker.begin(woken)
	reader.watcher.begin(t.Context())
	start(t, mgr)
	return reader, woken
}

func (e *environment) manager(t *testing.T, config *rest.Config) ctrl.Manager {
	t.Helper()
	mgr, err := ctrl.NewManager(config, ctrl.Options{Scheme: e.admin.Scheme(), Metrics: server.Options{BindAddress: "0"}})
	must(t, err)
	return mgr
}

func start(t *testing.T, mgr ctrl.Manager) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		t.Fatal("the cache does not fill")
	}
}

// woken is a queue that only notes what is put into it, and when it should come out.
type woken struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	mu    sync.Mutex
	notes []string
}

func (w *woken) AddAfter(request reconcile.Request, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprintf("%s %s", request, after))
}

func (w *woken) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = nil
}

// are compares what was noted, sorted, since it was forgotten.
func (w *woken) are(want ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(w.notes))); diff != "" {
		return fmt.Errorf("woken: %s", diff)
	}
	return nil
}

func wantAnswer(t *testing.T, r *Reader, namespace string, check v1alpha1.HealthCheck, want rollout.Check) {
	t.Helper()
	got, err := r.Read(t.Context(), namespace, []v1alpha1.HealthCheck{check})
	must(t, err)
	if diff := cmp.Diff([]rollout.Check{want}, got); diff != "" {
		t.Error(diff)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
