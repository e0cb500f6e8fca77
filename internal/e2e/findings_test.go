package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// What is wrong with one target is said of that target, and the others go on.
func TestFindingsStopNobodyElse(t *testing.T) {
	f := newFleet(t, map[string]string{"good": "1.0.0", "foreign": "1.0.0", "copied": "1.0.0", "twice": "1.0.0"})
	f.edit("A marker of somebody else", map[string]string{
		path("foreign"): strings.Replace(f.file("foreign"), "version: 1.0.0", `version: 1.0.0 # {"$imagepolicy": "other:policy:tag"}`, 1),
	})
	startOperator(t, environment.OperatorOptions{})
	f.policy("some", ">=1.0.0", []string{"good", "foreign", "copied", "twice", "absent"})
	f.policy("rival", ">=1.0.0", []string{"twice"})
	eventually(t, "the others are marked", func() error { return f.marked("good", "copied") })
	for app, reason := range map[string]string{
		"foreign": markers.ForeignMarker, "absent": v1alpha1.TargetMissingReason, "twice": v1alpha1.PolicyConflictReason,
	} {
		eventually(t, app+" has its finding", func() error { return f.target("some", app, withFinding(reason)) })
	}
	eventually(t, "the rival knows too", func() error { return f.target("rival", "twice", withFinding(v1alpha1.PolicyConflictReason)) })

	eventually(t, "the repository is at rest", f.atRest)
	copied := strings.Replace(f.file("copied"), "name: copied", "name: copy", 1)
	f.edit("Somebody copies a file with its marker", map[string]string{path("copy"): copied})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the good one is upgraded", func() error { return f.deployed("good", "1.1.0") })
	eventually(t, "the copied marker is found", func() error { return f.target("some", "copied", withFinding(v1alpha1.MarkerCopiedReason)) })
	for _, app := range []string{"foreign", "copied", "twice", "copy"} {
		must(t, f.inGit(app, "1.0.0"))
	}
}

// A push that the server rejects, by a hook or because the user may only read, is reported with the server's words and
// tried again.
func TestRejectedPushes(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.repo.RejectPushes("only robots with a licence may push")
	startOperator(t, environment.OperatorOptions{Args: []string{"--arm-timeout=5s"}})
	f.policy("push", ">=1.0.0", []string{"one"})
	eventually(t, "the server's words are shown", func() error {
		return f.target("push", "one", func(target v1alpha1.TargetStatus) error {
			if err := withFinding(v1alpha1.GitUnwritableReason)(target); err != nil {
				return err
			}
			if !strings.Contains(target.Finding.Message, "only robots with a licence may push") {
				return fmt.Errorf("the message is %q", target.Finding.Message)
			}
			return noSecret(target.Finding.Message)
		})
	})
	f.repo.RejectPushes("")
	eventually(t, "it is marked after all", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	f.repo.RejectPushes("not now")
	f.release("1.1.0")
	f.scan()
	eventually(t, "Flux's push fails, which is said", func() error {
		return f.target("push", "one", withFinding(v1alpha1.GitUnwritableReason))
	})
	eventually(t, "nothing stays armed", f.atRest)
	f.repo.RejectPushes("")
	eventually(t, "it is upgraded after all", func() error { return f.deployed("one", "1.1.0") })
	if n := len(f.upgrades()); n != 1 {
		t.Errorf("%d commits for one upgrade", n)
	}

	must(t, env.Client.Patch(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "gitops"}},
		mergePatch(`{"stringData":{"username":%q,"password":%q}}`, reader.Name, reader.Password)))
	f.edit("Another App", map[string]string{path("two"): f.manifest("two", "1.0.0")})
	f.policy("readonly", ">=1.0.0", []string{"two"})
	eventually(t, "the read-only user is reported", func() error { return f.target("readonly", "two", withFinding(v1alpha1.GitUnwritableReason)) })
}

func noSecret(text string) error {
	for _, secret := range []string{reader.Password, upgrader.Password} {
		if strings.Contains(text, secret) {
			return errors.New("a message has a password in it")
		}
	}
	return nil
}

// An automation that is not ours and selects everything would write our pins: nothing is marked until it is limited.
func TestForeignAutomation(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	foreign := &automationv1.ImageUpdateAutomation{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "by-hand"},
		Spec: automationv1.ImageUpdateAutomationSpec{
			SourceRef: automationv1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: "gitops"},
			Interval:  metav1.Duration{Duration: patience},
			Update:    &automationv1.UpdateStrategy{Strategy: automationv1.UpdateStrategySetters, Path: "./"},
			GitSpec: &automationv1.GitSpec{
				Commit: automationv1.CommitSpec{Author: automationv1.CommitUser{Email: "robot@example.com"}},
			},
		},
	}
	must(t, env.Client.Create(t.Context(), foreign))
	startOperator(t, environment.OperatorOptions{})
	f.policy("foreign", ">=1.0.0", []string{"one"})
	eventually(t, "the automation is reported", func() error { return f.target("foreign", "one", withFinding(v1alpha1.ForeignAutomationReason)) })
	if n := len(f.log()); n != 1 {
		t.Errorf("%d commits although another automation would write the marker", n-1)
	}
	must(t, env.Client.Patch(t.Context(), foreign, mergePatch(`{"spec":{"policySelector":{"matchExpressions":[{"key":"app.kubernetes.io/managed-by","operator":"NotIn","values":["app-upgrade-operator"]}]}}}`)))
	eventually(t, "it goes on when the automation is limited as the finding says", func() error { return f.marked("one") })
}

// A deleted policy takes its markers out of Git, byte for byte, and its objects with it; what is deleted by others comes back.
func TestDeletedPolicy(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	before := f.file("one")
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("gone", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "the repository is at rest", f.atRest)

	old := map[string]types.UID{} // Flux's finalizers keep what is deleted for a while
	for _, name := range []string{pin.CandidateName("gone"), pin.Name("App", "one")} {
		var object imagev1.ImagePolicy
		must(t, env.Client.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, &object))
		old[name] = object.UID
	}
	must(t, env.Client.DeleteAllOf(t.Context(), &imagev1.ImagePolicy{}, client.InNamespace(f.namespace)))
	must(t, env.Client.DeleteAllOf(t.Context(), &automationv1.ImageUpdateAutomation{}, client.InNamespace(f.namespace)))
	eventually(t, "deleted objects come back", func() error {
		if n := len(f.automations()); n != 1 {
			return fmt.Errorf("%d automations", n)
		}
		for name, uid := range old {
			var object imagev1.ImagePolicy
			if err := env.Client.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: name}, &object); err != nil {
				return err
			}
			if object.UID == uid {
				return fmt.Errorf("%s is still being deleted", name)
			}
		}
		return f.target("gone", "one", inState(v1alpha1.TargetCurrent))
	})
	if n := len(f.log()); n != 2 {
		t.Errorf("%d commits, want the first and the marker's", n)
	}

	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error {
		err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(policy), &v1alpha1.AppUpgradePolicy{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is still there (%w)", err)
		}
		return nil
	})
	if after := f.file("one"); after != before {
		t.Errorf("the file was\n%s\nand is\n%s", before, after)
	}
	eventually(t, "its objects are gone", func() error {
		var policies imagev1.ImagePolicyList
		must(t, env.Client.List(t.Context(), &policies, client.InNamespace(f.namespace)))
		if len(policies.Items)+len(f.automations()) > 0 {
			return fmt.Errorf("%d ImagePolicies and %d automations are left", len(policies.Items), len(f.automations()))
		}
		return nil
	})
}
