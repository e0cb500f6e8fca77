package conformance

import (
	"strings"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

// triggerCases are about what starts a run, and what a run may skip.
var triggerCases = map[string]func(*testing.T, *world){
	"at rest another tag starts a run that writes nothing": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.4.2", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.atRest(t)
		looks := w.repo.looks()
		w.movePin(t, "pin", "1.5.0")
		w.awaitTag(t, "pin", "1.5.0")
		eventually(t, "the tag starts a run", func() bool { return w.repo.looks() > looks })

		automation := w.runNow(t)
		w.expectVersion(t, "app.yaml", "1.4.2")
		w.expectNoPush(t)
		if len(automation.Status.ObservedPolicies) != 0 {
			t.Errorf("observedPolicies %v at rest, want none", automation.Status.ObservedPolicies)
		}
	},
	"labels alone start nothing": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.atRest(t)
		before := w.repo.Counts()
		w.label(t, "rest", "pin")
		w.passSentinel(t)
		if got := w.repo.Counts(); got != before {
			t.Errorf("asked %+v of Git after the label, want %+v", got, before)
		}
		w.runNow(t)
		w.expectVersion(t, "app.yaml", "1.5.0")
	},
	"new commits start nothing": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.label(t, "rest", "pin")
		w.atRest(t)
		before := w.repo.Counts()
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.passSentinel(t)
		if got := w.repo.Counts(); got != before {
			t.Errorf("asked %+v of Git after the commit, want %+v", got, before)
		}
		w.expectVersion(t, "app.yaml", "1.4.2")
	},
	"without a selector every policy writes": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.create(t, w.newGitRepository())
		automation := w.newAutomation("automation", "")
		automation.Spec.PolicySelector = nil
		w.create(t, automation)
		w.awaitRun(t)
		w.expectVersion(t, "app.yaml", "1.5.0")
	},
	"another generation of the Git repository starts a run": func(t *testing.T, w *world) {
		w.atRest(t)
		w.repo.commit(t, "next", "Start a branch", map[string]string{"next.md": "next\n"})
		change(t, w, "gitops", &sourcev1.GitRepository{}, func(source *sourcev1.GitRepository) {
			source.Spec.Reference.Branch = "next"
		})
		await(t, w, "automation", &automationv1.ImageUpdateAutomation{}, func(automation *automationv1.ImageUpdateAutomation) bool {
			return strings.HasPrefix(automation.Status.ObservedSourceRevision, "next@sha1:")
		})
	},
	"the interval starts a run": func(t *testing.T, w *world) {
		w.create(t, w.newGitRepository())
		automation := w.newAutomation("automation", "rest")
		automation.Spec.Interval.Duration = time.Second
		w.create(t, automation)
		w.awaitRun(t)
		revision := "main@sha1:" + w.repo.commit(t, mainBranch, "Change something", map[string]string{"new.md": "new\n"})
		await(t, w, "automation", automation, func(automation *automationv1.ImageUpdateAutomation) bool {
			return automation.Status.ObservedSourceRevision == revision
		})
	},
	"a run with nothing new only looks at the branch": func(t *testing.T, w *world) {
		w.atRest(t)
		before := w.repo.Counts()
		w.runNow(t)
		got := w.repo.Counts()
		if got.Lists == before.Lists || got.Fetches != before.Fetches {
			t.Errorf("asked %+v of Git, before %+v: want a look and no clone", got, before)
		}
	},
	"a suspended automation leaves its token, and observes its generation only if it was ready": func(t *testing.T, w *world) {
		w.scanned(t)
		w.pinned(t, "1.5.0", "pin")
		w.label(t, "b1", "pin")
		w.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")})
		w.atRest(t)
		change(t, w, "automation", &automationv1.ImageUpdateAutomation{}, func(automation *automationv1.ImageUpdateAutomation) {
			automation.Spec.Suspend = true
		})
		failing := w.newAutomation("failing", "rest")
		failing.Spec.SourceRef.Name = "missing"
		w.create(t, failing)
		awaitFailure(t, w, "failing", failing, automationv1.SourceManagerFailedReason)
		change(t, w, "failing", failing, func(failing *automationv1.ImageUpdateAutomation) { failing.Spec.Suspend = true })

		token := w.arm(t, "b1")
		w.passSentinel(t)
		automation := await(t, w, "automation", &automationv1.ImageUpdateAutomation{}, hasObservedGeneration[*automationv1.ImageUpdateAutomation])
		if got := automation.Status.LastHandledReconcileAt; got == token {
			t.Errorf("the suspended automation handled token %q", got)
		}
		w.expectVersion(t, "app.yaml", "1.4.2")
		change(t, w, "failing", failing, func(failing *automationv1.ImageUpdateAutomation) {
			if hasObservedGeneration(failing) {
				t.Error("an automation that was suspended while it failed observed its generation")
			}
		})

		change(t, w, "automation", automation, func(automation *automationv1.ImageUpdateAutomation) {
			automation.Spec.Suspend = false
		})
		w.awaitHandled(t, token)
		w.expectVersion(t, "app.yaml", "1.5.0")
	},
}

// passSentinel makes a policy of another namespace elect another tag, and waits until that namespace's automation has
// pushed it. The controllers see events of a kind in order, so what happened here before has been seen by then, and
// what it started would have begun.
func (w *world) passSentinel(t *testing.T) {
	t.Helper()
	sentinel := w.newWorld(t)
	sentinel.scanned(t)
	sentinel.pinned(t, "1.4.2", "pin")
	sentinel.label(t, "b", "pin")
	sentinel.repo.commit(t, mainBranch, "Add an app", map[string]string{"app.yaml": sentinel.app("one", "1.4.2", "pin")})
	sentinel.create(t, sentinel.newGitRepository())
	sentinel.create(t, sentinel.newAutomation("automation", "b"))
	sentinel.awaitRun(t)
	sentinel.movePin(t, "pin", "1.5.0")
	await(t, sentinel, "automation", &automationv1.ImageUpdateAutomation{}, func(automation *automationv1.ImageUpdateAutomation) bool {
		return automation.Status.ObservedPolicies["pin"].Tag == "1.5.0"
	})
	sentinel.expectVersion(t, "app.yaml", "1.5.0")
}

func (w *world) expectNoPush(t *testing.T) {
	t.Helper()
	if got := w.repo.Counts().Pushes; got != 0 {
		t.Errorf("%d pushes, want none", got)
	}
}
