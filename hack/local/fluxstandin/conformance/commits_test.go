package conformance

import (
	"strings"
	"testing"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/google/go-cmp/cmp"
)

// commitCases are about what a commit holds.
var commitCases = map[string]func(*testing.T, *world){
	"the template sees the automation, its values and the changes": func(t *testing.T, w *world) {
		message := w.commitOf(t, map[string]string{"dir/app.yaml": w.app("one", "1.4.2", "pin")}, func(automation *automationv1.ImageUpdateAutomation) {
			automation.Spec.GitSpec.Commit.MessageTemplateValues = map[string]string{"team": "honey"}
			automation.Spec.GitSpec.Commit.MessageTemplate = `{{ .AutomationObject.Name }} of {{ .Values.team | upper }}, {{ .Values.none }}
{{ range $file, $objects := .Changed.FileChanges }}{{ $file }}:{{ range $object, $changes := $objects -}}
{{ $object.APIVersion }} {{ $object.Kind }} {{ $object.Namespace }}/{{ $object.Name }} {{ range $changes }}{{ .OldValue }}>{{ .NewValue }} {{ .Setter }}{{ end }}{{ end }}{{ end }}
{{ range $object, $changes := .Changed.Objects }}{{ $object.Name }} {{ len $changes }}{{ end }}
{{ range .Changed.Changes }}{{ .Setter | trunc 4 }}{{ end }}`
		})
		want := strings.Join([]string{
			"automation of HONEY, <no value>",
			"dir/app.yaml:application.giantswarm.io/v1alpha1 App /one 1.4.2>1.5.0 " + w.namespace + ":pin:tag",
			"one 1",
			"test",
		}, "\n")
		if diff := cmp.Diff(want, message); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	},
	"without a template the message is Flux's own": func(t *testing.T, w *world) {
		message := w.commitOf(t, map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")}, nil)
		if message != "Update from image update automation" {
			t.Errorf("message %q", message)
		}
	},
	"a file without an object is written": func(t *testing.T, w *world) {
		message := w.commitOf(t, map[string]string{
			"values.yaml": "chart:\n  version: 1.4.2 # {\"$imagepolicy\": \"" + w.namespace + ":pin:tag\"}\n",
		}, func(automation *automationv1.ImageUpdateAutomation) {
			automation.Spec.GitSpec.Commit.MessageTemplate = "{{ range .Changed.Changes }}{{ .OldValue }} -> {{ .NewValue }}{{ end }}"
		})
		w.expectVersion(t, "values.yaml", "1.5.0")
		if message != "1.4.2 -> 1.5.0" {
			t.Errorf("message %q", message)
		}
	},
	"only files below the path are written": func(t *testing.T, w *world) {
		w.commitOf(t, map[string]string{
			"in/app.yaml":  w.app("in", "1.4.2", "pin"),
			"out/app.yaml": w.app("out", "1.4.2", "pin"),
		}, func(automation *automationv1.ImageUpdateAutomation) {
			automation.Spec.Update = &automationv1.UpdateStrategy{Strategy: automationv1.UpdateStrategySetters, Path: "../in"}
		})
		w.expectVersion(t, "in/app.yaml", "1.5.0")
		w.expectVersion(t, "out/app.yaml", "1.4.2")
	},
	"a file that cannot be parsed is left out in silence": func(t *testing.T, w *world) {
		broken := w.app("broken", "1.4.2", "pin") + "---\n\tnot yaml: [\n"
		w.commitOf(t, map[string]string{"app.yaml": w.app("one", "1.4.2", "pin"), "broken.yaml": broken}, nil)
		w.expectVersion(t, "app.yaml", "1.5.0")
		if got := w.repo.read(t, mainBranch, "broken.yaml"); got != broken {
			t.Errorf("broken.yaml became:\n%s", got)
		}
	},
	"a change rewrites its whole file and no other": func(t *testing.T, w *world) {
		other := "a:    1 # {\"$imagepolicy\": \"elsewhere:pin:tag\"}\n\n\nb:   2\n"
		w.commitOf(t, map[string]string{
			"app.yaml":   "list:\n    - a\n\n\nspec:\n    version:   1.4.2   # {\"$imagepolicy\": \"" + w.namespace + ":pin:tag\"}\n",
			"other.yaml": other,
		}, nil)
		want := "list:\n- a\nspec:\n  version: 1.5.0 # {\"$imagepolicy\": \"" + w.namespace + ":pin:tag\"}\n"
		if diff := cmp.Diff(want, w.repo.read(t, mainBranch, "app.yaml")); diff != "" {
			t.Errorf("app.yaml (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(other, w.repo.read(t, mainBranch, "other.yaml")); diff != "" {
			t.Errorf("other.yaml (-want +got):\n%s", diff)
		}
	},
	"a new push branch starts at the checkout branch": func(t *testing.T, w *world) {
		w.proposalOf(t)
		if got := w.repo.read(t, "proposal", "app.yaml"); !strings.Contains(got, "version: 1.5.0 #") {
			t.Errorf("on the push branch:\n%s", got)
		}
		w.expectVersion(t, "app.yaml", "1.4.2")
	},
	"an existing push branch is built upon and forced": func(t *testing.T, w *world) {
		prepared := w.repo.commit(t, "proposal", "Prepare", map[string]string{
			"app.yaml":  w.app("one", "1.4.2", "pin"),
			"more.yaml": w.app("more", "1.4.2", "pin"),
		})
		automation := w.proposalOf(t)
		if got := w.repo.read(t, "proposal", "more.yaml"); !strings.Contains(got, "version: 1.5.0 #") {
			t.Errorf("on the push branch:\n%s", got)
		}
		if got := w.repo.head(t, "proposal").Parents[0]; got != prepared {
			t.Errorf("the proposal is on %s, want it on %s", got, prepared)
		}
		if got := automation.Status.ObservedSourceRevision; got != "main@sha1:"+w.repo.head(t, mainBranch).Hash {
			t.Errorf("observedSourceRevision %s, want the checkout branch", got)
		}
	},
}

// commitOf adds files at 1.4.2, runs an automation for a pin at 1.5.0 on them, and returns its commit's message.
func (w *world) commitOf(t *testing.T, files map[string]string, adapt func(*automationv1.ImageUpdateAutomation)) string {
	t.Helper()
	w.scanned(t)
	w.pinned(t, "1.5.0", "pin")
	w.label(t, "b1", "pin")
	w.repo.commit(t, mainBranch, "Add files", files)
	w.create(t, w.newGitRepository())
	automation := w.newAutomation("automation", "b1")
	if adapt != nil {
		adapt(automation)
	}
	w.create(t, automation)
	w.awaitRun(t)
	if got := w.repo.Counts().Pushes; got != 1 {
		t.Fatalf("%d pushes, want one", got)
	}
	return w.repo.head(t, mainBranch).Message
}

// proposalOf does the same with a push branch, and returns the automation.
func (w *world) proposalOf(t *testing.T) *automationv1.ImageUpdateAutomation {
	t.Helper()
	w.commitOf(t, map[string]string{"app.yaml": w.app("one", "1.4.2", "pin")}, func(automation *automationv1.ImageUpdateAutomation) {
		automation.Spec.GitSpec.Push = &automationv1.PushSpec{Branch: "proposal"}
	})
	return w.awaitRun(t)
}
