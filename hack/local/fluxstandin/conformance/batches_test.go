package conformance

import (
	"fmt"
	"strings"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	reflectorv1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// batchTemplate ends the message with the batch and each setter's old and new value, sorted since Flux does not.
const batchTemplate = `Upgrade apps

Upgrade-Batch: {{ .Values.batch }}
{{- $lines := list }}
{{- range .Changed.Changes }}{{ $lines = append $lines (printf "Upgrade-Change: %s %s -> %s" .Setter .OldValue .NewValue) }}{{ end }}
{{- range sortAlpha $lines }}
{{ . }}
{{- end }}
`

// batchCases are about the selector as the switch: armed while it names a batch, at rest while it names none.
var batchCases = map[string]func(*testing.T, *world){
	"one request moves many pins in one commit": func(t *testing.T, w *world) {
		const pins = 30
		names := w.apps(t, pins, "1.4.2")
		w.label(t, "b1", names...)
		for _, name := range names {
			w.movePin(t, name, "1.5.0")
		}
		for _, name := range names {
			w.awaitTag(t, name, "1.5.0")
		}
		commits := len(w.repo.log(t, mainBranch))
		automation := w.awaitHandled(t, w.arm(t, "b1"))

		head := w.repo.head(t, mainBranch)
		if got := len(w.repo.log(t, mainBranch)) - commits; got != 1 || w.repo.Counts().Pushes != 1 {
			t.Errorf("%d commits in %d pushes, want one", got, w.repo.Counts().Pushes)
		}
		for _, name := range names {
			w.expectVersion(t, name+".yaml", "1.5.0")
			if got := automation.Status.ObservedPolicies[name]; got.Tag != "1.5.0" || got.Name != w.image.name {
				t.Errorf("observedPolicies[%s] = %+v", name, got)
			}
		}
		if got := len(automation.Status.ObservedPolicies); got != pins {
			t.Errorf("%d observed policies, want %d", got, pins)
		}
		if got := automation.Status.LastPushCommit; got != head.Hash {
			t.Errorf("lastPushCommit %s, the branch is at %s", got, head.Hash)
		}
		if got := automation.Status.ObservedSourceRevision; got != "main@sha1:"+head.Hash {
			t.Errorf("observedSourceRevision %s, the branch is at %s", got, head.Hash)
		}
		if automation.Status.LastPushTime.IsZero() || automation.Status.LastAutomationRunTime.IsZero() {
			t.Errorf("times of push and run are missing: %+v", automation.Status)
		}
		if got := strings.Count(head.Message, "Upgrade-Change: "); got != pins {
			t.Errorf("%d changes in the message, want %d:\n%s", got, pins, head.Message)
		}
		want := fmt.Sprintf("Upgrade-Change: %s:pin-0:tag 1.4.2 -> 1.5.0\n", w.namespace)
		if !strings.Contains(head.Message, "Upgrade-Batch: b1\n") || !strings.Contains(head.Message, want) {
			t.Errorf("message:\n%s", head.Message)
		}
		if head.Author != "Flux <flux@example.com>" {
			t.Errorf("author %s", head.Author)
		}
	},
	"back at rest a human's revert survives": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		w.awaitHandled(t, w.arm(t, "b1"))
		w.expectVersion(t, "pin-0.yaml", "1.5.0")

		w.awaitHandled(t, w.arm(t, "rest"))
		w.repo.commit(t, mainBranch, "Go back", map[string]string{"pin-0.yaml": w.app("app", "1.4.2", "pin-0")})
		looks := w.repo.looks()
		w.movePin(t, "pin-0", "1.4.3")
		w.awaitTag(t, "pin-0", "1.4.3")
		eventually(t, "the tag starts a run", func() bool { return w.repo.looks() > looks })
		automation := w.runNow(t)
		w.expectVersion(t, "pin-0.yaml", "1.4.2")
		if diff := cmp.Diff(automationv1.ObservedPolicies{}, automation.Status.ObservedPolicies, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("observedPolicies at rest (-want +got):\n%s", diff)
		}
	},
	"armed, a human's revert is overwritten by the next run": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		w.awaitHandled(t, w.arm(t, "b1"))
		w.repo.commit(t, mainBranch, "Go back", map[string]string{"pin-0.yaml": w.app("app", "1.4.2", "pin-0")})
		w.runNow(t)
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
	},
	"a run in flight still pushes after it was disarmed": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		push := w.repo.stallPushes(t)
		armed := w.arm(t, "b1")
		awaitHeld(t, push)
		disarmed := w.arm(t, "rest")
		w.passSentinel(t)
		automation := &automationv1.ImageUpdateAutomation{}
		change(t, w, "automation", automation, func(*automationv1.ImageUpdateAutomation) {})
		if got := automation.Status.LastHandledReconcileAt; got == armed || got == disarmed {
			t.Errorf("token %q is handled while its run is in flight", got)
		}
		w.expectVersion(t, "pin-0.yaml", "1.4.2")

		push.Release()
		w.awaitHandled(t, disarmed)
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
		// The disarming run may have read the automation before the status of the run in flight came back to its cache,
		// and then leaves that run's observedPolicies as they are. One more run clears them.
		automation = w.runNow(t)
		if len(automation.Status.ObservedPolicies) != 0 {
			t.Errorf("observedPolicies %v at rest, want none", automation.Status.ObservedPolicies)
		}
		if got := automation.Status.LastPushCommit; got != w.repo.head(t, mainBranch).Hash {
			t.Errorf("lastPushCommit %s is not the push of the run in flight", got)
		}
	},
	"a human's commit during the push is kept, the run starts again on it": func(t *testing.T, w *world) {
		w.apps(t, 2, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		push := w.repo.stallPushes(t)
		token := w.arm(t, "b1")
		awaitHeld(t, push)
		human := w.repo.commit(t, mainBranch, "Change something", map[string]string{"pin-1.yaml": w.app("app", "1.4.3", "pin-1")})
		push.Release()
		w.awaitHandled(t, token)
		w.awaitRun(t)
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
		w.expectVersion(t, "pin-1.yaml", "1.4.3")
		if got := w.repo.head(t, mainBranch).Parents[0]; got != human {
			t.Errorf("Flux's commit is on %s, want it on the human's %s", got, human)
		}
	},
	"a suspended policy is still written": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.4.2")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.5.0")
		w.awaitTag(t, "pin-0", "1.5.0")
		change(t, w, "pin-0", &reflectorv1.ImagePolicy{}, func(pin *reflectorv1.ImagePolicy) { pin.Spec.Suspend = true })
		w.awaitHandled(t, w.arm(t, "b1"))
		w.expectVersion(t, "pin-0.yaml", "1.5.0")
	},
	"a failing policy is still written, downwards too": func(t *testing.T, w *world) {
		w.apps(t, 1, "1.5.0")
		w.label(t, "b1", "pin-0")
		w.movePin(t, "pin-0", "1.4.2")
		w.awaitTag(t, "pin-0", "1.4.2")
		w.movePin(t, "pin-0", "7.7.7")
		awaitFailure(t, w, "pin-0", &reflectorv1.ImagePolicy{}, "Failure")
		automation := w.awaitHandled(t, w.arm(t, "b1"))
		w.expectVersion(t, "pin-0.yaml", "1.4.2")
		if got := automation.Status.ObservedPolicies["pin-0"].Tag; got != "1.4.2" {
			t.Errorf("observed tag %q, want the one that the policy kept", got)
		}
	},
}

// apps commits n apps at a version, each with its pin at that version, and sets an automation at rest beside them.
func (w *world) apps(t *testing.T, n int, version string) (pins []string) {
	t.Helper()
	w.scanned(t)
	files := map[string]string{}
	for i := range n {
		pin := fmt.Sprintf("pin-%d", i)
		pins = append(pins, pin)
		files[pin+".yaml"] = w.app("app", version, pin)
	}
	w.pinned(t, version, pins...)
	w.repo.commit(t, mainBranch, "Add apps", files)
	w.create(t, w.newGitRepository())
	automation := w.newAutomation("automation", "rest")
	automation.Spec.GitSpec.Commit.MessageTemplate = batchTemplate
	automation.Spec.GitSpec.Commit.MessageTemplateValues = map[string]string{"batch": "b1"}
	w.create(t, automation)
	w.awaitRun(t)
	return pins
}
