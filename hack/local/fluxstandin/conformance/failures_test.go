package conformance

import (
	"strings"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
)

// failureCases are about runs that fail: what they leave, and when they are tried again.
var failureCases = map[string]func(*testing.T, *world){
	"a rejected push handles its token and is tried again": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		w.repo.RejectPushes("protected branch")
		automation := w.awaitHandled(t, w.arm(t, "b1"))

		awaitFailure(t, w, "automation", automation, automationv1.GitOperationFailedReason)
		if message := conditions.GetMessage(automation, meta.ReadyCondition); !strings.HasPrefix(message, "failed to update source: failed to push to remote: ") {
			t.Errorf("message %q", message)
		}
		if reason := conditions.GetReason(automation, meta.ReconcilingCondition); reason != meta.ProgressingWithRetryReason {
			t.Errorf("Reconciling has reason %q", reason)
		}
		if len(automation.Status.ObservedPolicies) != 0 || automation.Status.LastPushCommit != "" {
			t.Errorf("status %+v, want neither policies nor a push", automation.Status)
		}
		if automation.Status.ObservedGeneration == automation.Generation {
			t.Error("a failing automation observed its generation, want the one before")
		}
		w.expectVersion(t, "pin-0.yaml", "1.4.2")

		w.repo.RejectPushes("")
		automation = w.awaitRun(t)
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
		if got := automation.Status.ObservedPolicies["pin-0"].Tag; got != "1.5.0" {
			t.Errorf("observed tag %q", got)
		}
	},
	"a push whose answer is lost is neither repeated nor recorded": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		commits := len(w.repo.log(t, mainBranch))
		w.repo.LosePushes(true)
		automation := w.awaitHandled(t, w.arm(t, "b1"))
		awaitFailure(t, w, "automation", automation, automationv1.GitOperationFailedReason)
		w.repo.LosePushes(false)
		automation = w.awaitRun(t)
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
		if got := len(w.repo.log(t, mainBranch)) - commits; got != 1 {
			t.Errorf("%d commits, want one", got)
		}
		if got := automation.Status; got.LastPushCommit != "" || got.ObservedPolicies["pin-0"].Tag != "1.5.0" {
			t.Errorf("status %+v, want the policy observed and no push recorded", got)
		}
	},
	"disarmed while its push fails, a batch is never written": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		w.repo.RejectPushes("protected branch")
		w.awaitHandled(t, w.arm(t, "b1"))
		w.awaitHandled(t, w.arm(t, "rest"))
		w.repo.RejectPushes("")
		w.runNow(t)
		w.expectVersion(t, "pin-0.yaml", "1.4.2")
	},
	"one reference that cannot be parsed fails the whole run": func(t *testing.T, w *world) {
		w.apps(t, 2, "1.4.2")
		w.label(t, "b1", "pin-0", "pin-1")
		w.image.setTags("1.4.2", "1.5.0", "1.5.0+build")
		w.rescan(t)
		w.movePin(t, "pin-0", "1.5.0")
		w.movePin(t, "pin-1", "1.5.0[+]build")
		w.awaitTag(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-1", "1.5.0+build")
		automation := w.awaitHandled(t, w.arm(t, "b1"))
		awaitFailure(t, w, "automation", automation, automationv1.UpdateFailedReason)
		if message := conditions.GetMessage(automation, meta.ReadyCondition); !strings.Contains(message, "encountered invalid image ref") {
			t.Errorf("message %q", message)
		}
		w.expectVersion(t, "pin-0.yaml", "1.4.2")
		w.expectNoPush(t)
	},
	"a branch that is not there fails the checkout": func(t *testing.T, w *world) {
		repository := w.newGitRepository()
		repository.Spec.Reference.Branch = "missing"
		w.create(t, repository)
		w.create(t, w.newAutomation("automation", "rest"))
		automation := awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.GitOperationFailedReason)
		if message := conditions.GetMessage(automation, meta.ReadyCondition); !strings.HasPrefix(message, "failed to checkout source: ") {
			t.Errorf("message %q", message)
		}
	},
	"a Git repository object that is not there is tried again": func(t *testing.T, w *world) {
		w.create(t, w.newAutomation("automation", "rest"))
		awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.SourceManagerFailedReason)
		w.create(t, w.newGitRepository())
		w.awaitRun(t)
	},
	"a tag cannot be pushed to": func(t *testing.T, w *world) {
		repository := w.newGitRepository()
		repository.Spec.Reference.Branch = ""
		repository.Spec.Reference.Tag = "v1"
		w.create(t, repository)
		w.create(t, w.newAutomation("automation", "rest"))
		awaitFailure(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.SourceManagerFailedReason)
	},
	"an automation without Git settings stalls": func(t *testing.T, w *world) {
		w.create(t, w.newGitRepository())
		automation := w.newAutomation("automation", "rest")
		automation.Spec.GitSpec = nil
		w.create(t, automation)
		awaitStalled(t, w, "automation", automation, automationv1.InvalidSourceConfigReason)
	},
	"a selector that cannot be read stalls": func(t *testing.T, w *world) {
		w.create(t, w.newGitRepository())
		w.create(t, w.newAutomation("automation", "not a label!"))
		awaitStalled(t, w, "automation", &automationv1.ImageUpdateAutomation{}, automationv1.InvalidPolicySelectorReason)
	},
	"the removed template field stalls, other template errors are tried again": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		template := func(text string) {
			change(t, w, "automation", &automationv1.ImageUpdateAutomation{}, func(automation *automationv1.ImageUpdateAutomation) {
				automation.Spec.GitSpec.Commit.MessageTemplate = text
			})
		}
		template("{{ .Updated.Images }}")
		automation := w.awaitHandled(t, w.arm(t, "b1"))
		awaitStalled(t, w, "automation", automation, automationv1.RemovedTemplateFieldReason)
		for _, text := range []string{"{{ now }}", `{{ env "HOME" }}`, "{{ .Nothing }}", "{{"} {
			template(text)
			awaitFailure(t, w, "automation", automation, automationv1.GitOperationFailedReason)
		}
		w.expectNoPush(t)
		template("Works")
		w.awaitRun(t)
		if got := w.repo.head(t, mainBranch).Message; got != "Works" {
			t.Errorf("message %q", got)
		}
	},
}
