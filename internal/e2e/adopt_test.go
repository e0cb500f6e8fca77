package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// byHand makes an ImagePolicy for the chart and an automation that selects it, as people do, and returns the ImagePolicy.
func (f *fleet) byHand() *imagev1.ImagePolicy {
	f.Helper()
	meta := metav1.ObjectMeta{Namespace: f.namespace, Name: "hand", Labels: map[string]string{"made-by": "hand"}}
	policy := &imagev1.ImagePolicy{ObjectMeta: *meta.DeepCopy(), Spec: imagev1.ImagePolicySpec{
		ImageRepositoryRef: fluxmeta.NamespacedObjectReference{Name: "hand"},
		Policy:             imagev1.ImagePolicyChoice{SemVer: &imagev1.SemVerPolicy{Range: ">=1.0.0"}},
	}}
	objects := []client.Object{
		&imagev1.ImageRepository{ObjectMeta: *meta.DeepCopy(), Spec: imagev1.ImageRepositorySpec{
			Image: env.Registry.ChartImage(f.chart), Interval: metav1.Duration{Duration: patience}, Insecure: true,
		}},
		policy,
		&automationv1.ImageUpdateAutomation{ObjectMeta: *meta.DeepCopy(), Spec: automationv1.ImageUpdateAutomationSpec{
			SourceRef:      automationv1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: "gitops"},
			Interval:       metav1.Duration{Duration: patience},
			PolicySelector: &metav1.LabelSelector{MatchLabels: meta.Labels},
			Update:         &automationv1.UpdateStrategy{Strategy: automationv1.UpdateStrategySetters, Path: "./apps"},
			GitSpec:        &automationv1.GitSpec{Commit: automationv1.CommitSpec{Author: automationv1.CommitUser{Email: "robot@example.com"}}},
		}},
	}
	for _, object := range objects {
		must(f.T, env.Client.Create(f.Context(), object))
		f.Cleanup(func() { _ = env.Client.Delete(cleanupContext(f.T), object) })
	}
	eventually(f.T, "the ImagePolicy has selected a version", func() error {
		if err := env.Client.Get(f.Context(), client.ObjectKeyFromObject(policy), policy); err != nil {
			return err
		}
		if policy.Status.LatestRef == nil {
			return errors.New("it has none")
		}
		return nil
	})
	return policy
}

// An App that people upgrade with an ImagePolicy of their own: the finding says what is there, and with the annotation a policy
// takes over without any version changing. From then on it moves the version, and the other one does not.
func TestAdoption(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	theirs := fmt.Sprintf(` # {"$imagepolicy": "%s:hand:tag"}`, f.namespace)
	plain := f.file("one")
	f.edit("A marker by hand", map[string]string{path("one"): strings.Replace(plain, "version: 1.0.0", "version: 1.0.0"+theirs, 1)})
	hand := f.byHand()
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("adopter", ">=1.0.0 <2.0.0", []string{"one"})
	eventually(t, "what is there is told", func() error {
		return f.target("adopter", "one", func(target v1alpha1.TargetStatus) error {
			if err := withFinding(markers.ForeignMarker)(target); err != nil {
				return err
			}
			for _, part := range []string{
				"ImagePolicy " + f.namespace + "/hand", `versions in the range ">=1.0.0" of `, ", now 1.0.0",
				"ImageUpdateAutomation " + f.namespace + "/hand writes it", `in the range ">=1.0.0 <2.0.0"`,
				"kubectl annotate imagepolicy -n " + f.namespace + " hand " + v1alpha1.AdoptAnnotation + "=true",
			} {
				if !strings.Contains(target.Finding.Message, part) {
					return fmt.Errorf("the message %q does not say %q", target.Finding.Message, part)
				}
			}
			return nil
		})
	})
	commits := len(f.log())

	annotate(t, hand, v1alpha1.AdoptAnnotation, "true")
	eventually(t, "the marker is ours, and nothing else changed", func() error {
		if got, want := f.file("one"), strings.Replace(plain, "version: 1.0.0", "version: 1.0.0"+f.marker("one"), 1); got != want {
			return fmt.Errorf("the file is\n%s", got)
		}
		return f.target("adopter", "one", settled)
	})
	f.told("adopter", "MarkerAdopted")
	if n := len(f.log()) - commits; n != 1 {
		t.Errorf("%d commits for the adoption", n)
	}

	eventually(t, "the repository is at rest", f.atRest)
	f.release("1.1.0")
	f.scan()
	eventually(t, "the policy upgrades the App", func() error { return f.upgraded("1.1.0", "one") })
	if n := len(f.upgrades()); n != 1 {
		t.Errorf("%d upgrades by our policy, want 1", n)
	}
	f.onlyMarkersAndUpgrades()
	must(t, env.Client.Get(t.Context(), client.ObjectKeyFromObject(hand), hand)) // is left alone

	eventually(t, "the repository is at rest again", f.atRest)
	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	if got, want := f.file("one"), strings.Replace(plain, "version: 1.0.0", "version: 1.1.0", 1); got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

// A file whose layout Flux would change is left alone by a policy that refuses that, and named by one that does not.
func TestReformatRefused(t *testing.T) {
	f := newFleet(t, map[string]string{"neat": "1.0.0", "wide": "1.0.0"})
	wide := strings.Replace(f.file("wide"), "  version:", "\n  version:", 1)
	f.edit("A blank line", map[string]string{path("wide"): wide})
	startOperator(t, environment.OperatorOptions{})
	f.policy("layout", ">=1.0.0", []string{"neat", "wide"}, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Git = &v1alpha1.Git{Reformat: v1alpha1.ReformatRefuse}
	})
	eventually(t, "the neat file is marked", func() error { return f.marked("neat") })
	eventually(t, "the other is refused", func() error { return f.target("layout", "wide", withFinding(v1alpha1.WouldReformatReason)) })
	f.release("1.1.0")
	f.scan()
	eventually(t, "the neat one is upgraded", func() error { return f.deployed("neat", "1.1.0") })
	eventually(t, "the repository is at rest", f.atRest)
	if got := f.file("wide"); got != wide {
		t.Fatalf("the refused file is\n%s", got)
	}

	must(t, env.Client.Patch(t.Context(), f.get("layout"), mergePatch(`{"spec":{"git":{"reformat":"Allow"}}}`)))
	f.told("layout", "FileReformat")
	eventually(t, "it is upgraded once the policy allows it", func() error { return f.deployed("wide", "1.1.0") })
	eventually(t, "nothing more is said of the layout", func() error {
		return f.target("layout", "wide", func(target v1alpha1.TargetStatus) error {
			if target.Note != "" {
				return fmt.Errorf("the note is %q", target.Note)
			}
			return settled(target)
		})
	})
}
