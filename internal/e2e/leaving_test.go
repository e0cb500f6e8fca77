package e2e

import (
	"fmt"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// An App that is deleted from Git takes its marker with it: nothing is pushed for it, and its pin goes.
func TestAppDeletedFromGit(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("leaves", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	_, err := f.repo.Commit(t.Context(), gitserver.Change{Message: "Delete the App", Remove: []string{path("one")}})
	must(t, err)
	eventually(t, "the policy misses it", func() error { return f.target("leaves", "one", withFinding(v1alpha1.TargetMissingReason)) })
	eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
	if n := len(f.log()); n != 3 {
		t.Errorf("%d commits, want the first, the marker's and the human's", n)
	}

	f.edit("The App comes back", map[string]string{path("one"): f.manifest("one", "1.0.0")})
	f.release("1.1.0")
	eventually(t, "it is upgraded again", func() error {
		f.scan()
		return f.deployed("one", "1.1.0")
	})
}

// Apps that a policy selects no more, because their labels or the policy changed, lose their markers byte for byte.
func TestSelectorMatchesNothingAnyMore(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0", "three": "1.0.0"})
	label := "  labels:\n    stage: canary\n"
	labelled, before := map[string]string{}, map[string]string{}
	for _, app := range []string{"one", "two", "three"} {
		labelled[path(app)] = strings.Replace(f.file(app), "metadata:\n", "metadata:\n"+label, 1)
		before[app] = labelled[path(app)]
	}
	before["one"] = f.file("one")
	f.edit("Label the Apps", labelled)
	startOperator(t, environment.OperatorOptions{})
	f.policy("canaries", ">=1.0.0", nil, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Targets = []v1alpha1.TargetReference{{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"stage": "canary"}}}}
	})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two", "three") })
	eventually(t, "the repository is at rest", f.atRest)
	commits := len(f.log())

	f.edit("One is no canary any more", map[string]string{path("one"): strings.Replace(f.file("one"), label, "", 1)})
	eventually(t, "its marker is gone", func() error { return f.unmarked(before, "one") })
	must(t, f.marked("two", "three"))
	must(t, env.Client.Patch(t.Context(), f.get("canaries"), mergePatch(`{"spec":{"targets":[{"selector":{"matchLabels":{"stage":"nowhere"}}}]}}`)))
	eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
	must(t, f.unmarked(before, "one", "two", "three"))
	if n := len(f.log()) - commits; n != 3 {
		t.Errorf("%d commits, want the human's, one for the first App and one for the others", n)
	}
	eventually(t, "the policy has no targets", func() error {
		ready := meta.FindStatusCondition(f.get("canaries").Status.Conditions, v1alpha1.ReadyCondition)
		if ready == nil || ready.Reason != v1alpha1.NoTargetsReason {
			return fmt.Errorf("Ready is %+v", ready)
		}
		return nil
	})
}

// unmarked complains unless Apps' files are as they were before.
func (f *fleet) unmarked(before map[string]string, apps ...string) error {
	for _, app := range apps {
		if after := f.file(app); after != before[app] {
			return fmt.Errorf("%s was\n%s\nand is\n%s", path(app), before[app], after)
		}
	}
	return nil
}

// A policy is deleted after the operator pushed its marker and died before it knew: the next start removes the marker.
func TestPolicyDeletedAfterMarkerPush(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	before := f.file("one")
	operator := startOperator(t, environment.OperatorOptions{})
	var policy *v1alpha1.AppUpgradePolicy
	f.killAfterPush(operator, func() { policy = f.policy("short", ">=1.0.0", []string{"one"}) })
	must(t, f.marked("one"))

	must(t, env.Client.Delete(t.Context(), policy))
	startOperator(t, environment.OperatorOptions{Name: "operator-after-" + t.Name()})
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	if after := f.file("one"); after != before {
		t.Errorf("the file was\n%s\nand is\n%s", before, after)
	}
	eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
}

// killAfterPush kills the operator after a push that start makes it do, which the server has carried out and not answered.
func (f *fleet) killAfterPush(operator *environment.Operator, start func()) {
	f.Helper()
	push := f.repo.StallPushes()
	f.Cleanup(push.Release)
	start()
	reached(f.T, push.Reached())
	head := f.log()[0].Hash
	f.repo.LosePushes(true)
	again := f.repo.StallFetches() // it looks again, which would tell
	f.Cleanup(again.Release)
	push.Release()
	eventually(f.T, "the push is carried out", func() error {
		if f.log()[0].Hash == head {
			return fmt.Errorf("the branch is still at %s", head)
		}
		return nil
	})
	must(f.T, operator.Kill())
	f.repo.LosePushes(false)
	again.Release()
}

// gone complains unless an object is gone.
func gone(t *testing.T, object client.Object) error {
	err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(object), object)
	if !apierrors.IsNotFound(err) {
		return fmt.Errorf("%s is still there (%w)", object.GetName(), err)
	}
	return nil
}

// nothingToWrite complains if there are pins or automations.
func (f *fleet) nothingToWrite() error {
	var pins imagev1.ImagePolicyList
	if err := env.Client.List(f.Context(), &pins, client.InNamespace(f.namespace), client.MatchingLabels{pin.RoleLabel: pin.RolePin}); err != nil {
		return err
	}
	if automations := f.automations(); len(pins.Items)+len(automations) > 0 {
		return fmt.Errorf("%d pins and %d automations are left", len(pins.Items), len(automations))
	}
	return nil
}
