package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/hack/local/registry"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// fleet is a namespace with Apps of one chart, applied by Flux from a repository of its own.
type fleet struct {
	*testing.T
	namespace, chart string
	repo             *gitserver.Repository
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

// newFleet makes a fleet of Apps with their versions, and waits until they are installed.
func newFleet(t *testing.T, apps map[string]string) *fleet {
	t.Helper()
	id := strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(strings.TrimPrefix(t.Name(), "Test")))
	f := &fleet{T: t, namespace: "org-" + id[:min(len(id), 40)], chart: "chart-" + id}
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
	f.sync()
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

// sync lets Flux apply the repository, reading as one user, and gives the operator a GitRepository with another's credentials.
func (f *fleet) sync() {
	f.Helper()
	source, kustomization, err := env.Sync(f.Context(), environment.GitOps{Name: "gitops", Namespace: f.namespace, Repository: f.repo, User: upgrader, Path: "./apps"})
	must(f.T, err)
	f.Cleanup(func() { // leave nothing that costs the next tests time
		ctx := cleanupContext(f.T)
		_ = env.Client.DeleteAllOf(ctx, &v1alpha1.AppUpgradePolicy{}, client.InNamespace(f.namespace))
		kustomization.Spec.Suspend = true
		_ = env.Client.Patch(ctx, kustomization, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true}}`)))
		_ = env.Client.Patch(ctx, source, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true}}`)))
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
	must(f.T, env.Client.Patch(f.Context(), policy, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"suspend":%t}}`, on))))
}

// deployed complains unless an App runs a version.
func (f *fleet) deployed(name, version string) error {
	app := &appv1alpha1.App{}
	if err := env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, app); err != nil {
		return err
	}
	if status, _ := app.ReleaseStatus(); app.InstalledVersion() != strings.TrimPrefix(version, "v") || status != "deployed" {
		return fmt.Errorf("App %s has version %q installed (%s), want %s", name, app.InstalledVersion(), status, version)
	}
	return nil
}

// inGit complains unless an App's file has a version.
func (f *fleet) inGit(name, version string) error {
	if got := f.version(name); got != version {
		return fmt.Errorf("%s has version %q, want %q", path(name), got, version)
	}
	return nil
}

func (f *fleet) version(app string) string {
	f.Helper()
	for line := range strings.Lines(f.file(app)) {
		if value, ok := strings.CutPrefix(line, "  version: "); ok {
			value, _, _ = strings.Cut(value, " #")
			return strings.TrimSpace(value)
		}
	}
	f.Fatalf("%s has no version", path(app))
	return ""
}

func (f *fleet) file(app string) string {
	f.Helper()
	content, err := f.repo.File(f.Context(), gitserver.DefaultBranch, path(app))
	must(f.T, err)
	return content
}

// commit commits as a human.
func (f *fleet) commit(message string, apps map[string]string) {
	f.Helper()
	files := map[string]string{}
	for app, version := range apps {
		files[path(app)] = strings.Replace(f.file(app), "version: "+f.version(app), "version: "+version, 1)
	}
	_, err := f.repo.Commit(f.Context(), gitserver.Change{Message: message, Files: files})
	must(f.T, err)
}

func (f *fleet) log() []gitserver.Commit {
	f.Helper()
	commits, err := f.repo.Log(f.Context(), gitserver.DefaultBranch)
	must(f.T, err)
	return commits
}

// upgrades are Flux's commits, the oldest first.
func (f *fleet) upgrades() []gitserver.Commit {
	f.Helper()
	var upgrades []gitserver.Commit
	for _, commit := range f.log() {
		if strings.Contains(commit.Message, "Upgrade-Batch: ") {
			upgrades = append([]gitserver.Commit{commit}, upgrades...)
		}
	}
	return upgrades
}

// atRest complains if anything could be written: an automation that selects a batch, a token that is not handled, a pin in a batch.
func (f *fleet) atRest() error {
	if err := f.disarmed(); err != nil {
		return err
	}
	if err := f.handled(); err != nil {
		return err
	}
	var pins imagev1.ImagePolicyList
	if err := env.Client.List(f.Context(), &pins, client.InNamespace(f.namespace), client.HasLabels{pin.BatchLabel}); err != nil {
		return err
	}
	if len(pins.Items) > 0 {
		return fmt.Errorf("pin %s is in batch %s", pins.Items[0].Name, pins.Items[0].Labels[pin.BatchLabel])
	}
	return nil
}

// disarmed complains if an automation selects a batch, armed if none does.
func (f *fleet) disarmed() error {
	for _, a := range f.automations() {
		if batch := a.Spec.PolicySelector.MatchLabels[pin.BatchLabel]; batch != pin.AtRest {
			return fmt.Errorf("ImageUpdateAutomation %s selects batch %q", a.Name, batch)
		}
	}
	return nil
}

func (f *fleet) armed() error {
	if f.disarmed() == nil {
		return errors.New("no automation is armed")
	}
	return nil
}

// handled complains unless Flux has handled every token.
func (f *fleet) handled() error {
	for _, a := range f.automations() {
		if token := a.Annotations[fluxmeta.ReconcileRequestAnnotation]; token != a.Status.LastHandledReconcileAt {
			return fmt.Errorf("ImageUpdateAutomation %s has not handled token %s", a.Name, token)
		}
		if a.Generation != a.Status.ObservedGeneration {
			return fmt.Errorf("ImageUpdateAutomation %s has not observed its generation", a.Name)
		}
	}
	return nil
}

func (f *fleet) automations() []automationv1.ImageUpdateAutomation {
	f.Helper()
	var list automationv1.ImageUpdateAutomationList
	must(f.T, env.Client.List(f.Context(), &list, client.InNamespace(f.namespace), client.MatchingLabels{pin.ManagedByLabel: pin.ManagedBy}))
	return list.Items
}

// target complains unless a policy's status has a target in a state with a reason.
func (f *fleet) target(policy, app string, check func(v1alpha1.TargetStatus) error) error {
	for _, target := range f.get(policy).Status.Targets {
		if target.Name == app {
			return check(target)
		}
	}
	return fmt.Errorf("AppUpgradePolicy %s has no target %s in its status", policy, app)
}

func inState(state v1alpha1.TargetState) func(v1alpha1.TargetStatus) error {
	return func(t v1alpha1.TargetStatus) error {
		if t.State != state {
			return fmt.Errorf("%s is %s, want %s (finding %+v)", t.Name, t.State, state, t.Finding)
		}
		return nil
	}
}

func withFinding(reason string) func(v1alpha1.TargetStatus) error {
	return func(t v1alpha1.TargetStatus) error {
		if t.Finding == nil || t.Finding.Reason != reason {
			return fmt.Errorf("%s has finding %+v, want %s", t.Name, t.Finding, reason)
		}
		return nil
	}
}

// settled: nothing is left to do for a target.
func settled(t v1alpha1.TargetStatus) error {
	if t.State != v1alpha1.TargetCurrent && t.State != v1alpha1.TargetDeployed {
		return fmt.Errorf("%s is %s (finding %+v)", t.Name, t.State, t.Finding)
	}
	return nil
}
