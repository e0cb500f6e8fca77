package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
)

// fleet is a namespace with Apps of one chart, applied by Flux from a repository of its own.
type fleet struct {
	*testing.T
	namespace, chart string
	repo             *gitserver.Repository
	// branch is the one that Flux applies.
	branch string
}

// manifest is one App as a human writes it.
func (f *fleet) manifest(name, version string) string {
	return fmt.Sprintf(`# The App %[1]s.
apiVersion: application.giantswarm.io/v1alpha1
kind: App
metadata:
  name: %[1]s
  namespace: %[2]s
spec:
  catalog: %[2]s
  kubeConfig:
    inCluster: true
  name: %[3]s
  namespace: %[2]s
  version: %[4]s
`, name, f.namespace, f.chart, version)
}

func path(app string) string { return "apps/" + app + ".yaml" }

// fleets counts those that were made, so that each has a name of its own however often a test runs.
var fleets atomic.Int64

// newFleet makes a fleet of Apps with their versions, and waits until they are installed.
func newFleet(t *testing.T, apps map[string]string) *fleet {
	t.Helper()
	id := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	id = fmt.Sprintf("%s-%d", id[:min(len(id), 40)], fleets.Add(1))
	f := &fleet{T: t, namespace: "org-" + id, chart: "chart-" + id, branch: gitserver.DefaultBranch}
	must(t, env.CreateNamespace(t.Context(), f.namespace))
	must(t, env.CreateNamespace(t.Context(), "default"))
	must(t, env.CreateCatalog(t.Context(), "default", f.namespace))
	files := map[string]string{"README.md": "# A GitOps repository\n"}
	versions := map[string]bool{}
	for name, version := range apps {
		files[path(name)] = f.manifest(name, version)
		versions[version] = true
	}
	for version := range versions {
		f.release(version)
	}
	var err error
	f.repo, err = env.Git.Create(t.Context(), f.namespace, files)
	must(t, err)
	f.sync("gitops", f.repo)
	eventually(t, "the Apps are installed", func() error {
		for name, version := range apps {
			if err := f.deployed(name, version); err != nil {
				return err
			}
		}
		return nil
	})
	return f
}

// sync lets Flux apply a repository, and gives the operator a GitRepository with its credentials.
func (f *fleet) sync(name string, repo *gitserver.Repository) {
	f.Helper()
	source, kustomization, err := env.Sync(f.Context(), environment.GitOps{Name: name, Namespace: f.namespace, Repository: repo, User: upgrader, Path: "./apps"})
	must(f.T, err)
	f.Cleanup(func() { // leave nothing that costs the next tests time
		ctx := cleanupContext(f.T)
		_ = env.Client.DeleteAllOf(ctx, &v1alpha1.AppUpgradePolicy{}, client.InNamespace(f.namespace))
		for _, object := range []client.Object{kustomization, source} {
			_ = env.Client.Patch(ctx, object, mergePatch(`{"spec":{"suspend":true}}`))
		}
	})
}

// release pushes charts.
func (f *fleet) release(versions ...string) {
	f.Helper()
	for _, version := range versions {
		must(f.T, env.Registry.Push(f.Context(), registry.Chart{Name: f.chart, Version: version}))
	}
}

// scan makes Flux look at the registry now rather than at its interval.
func (f *fleet) scan() {
	f.Helper()
	var list imagev1.ImageRepositoryList
	must(f.T, env.Client.List(f.Context(), &list, client.InNamespace(f.namespace)))
	for i := range list.Items {
		annotate(f.T, &list.Items[i], fluxmeta.ReconcileRequestAnnotation, time.Now().Format(time.RFC3339Nano))
	}
}

// policy creates a policy for some Apps.
func (f *fleet) policy(name, versions string, apps []string, change ...func(*v1alpha1.AppUpgradePolicy)) *v1alpha1.AppUpgradePolicy {
	f.Helper()
	policy := &v1alpha1.AppUpgradePolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: f.namespace},
		Spec: v1alpha1.AppUpgradePolicySpec{
			Chart:    &v1alpha1.Chart{Insecure: true, Interval: &metav1.Duration{Duration: time.Hour}},
			Versions: v1alpha1.Versions{Range: versions},
		},
	}
	for _, app := range apps {
		policy.Spec.Targets = append(policy.Spec.Targets, v1alpha1.TargetReference{Name: app})
	}
	for _, change := range change {
		change(policy)
	}
	must(f.T, env.Client.Create(f.Context(), policy))
	return policy
}

func suspended(p *v1alpha1.AppUpgradePolicy) { p.Spec.Suspend = true }

func (f *fleet) get(name string) *v1alpha1.AppUpgradePolicy {
	f.Helper()
	policy := &v1alpha1.AppUpgradePolicy{}
	must(f.T, env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, policy))
	return policy
}

// suspend sets spec.suspend.
func (f *fleet) suspend(name string, on bool) {
	f.Helper()
	policy := f.get(name)
	must(f.T, env.Client.Patch(f.Context(), policy, mergePatch(`{"spec":{"suspend":%t}}`, on)))
}
