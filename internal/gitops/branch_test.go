package gitops

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeleteBranch(t *testing.T) {
	for name, tc := range map[string]struct {
		moved bool
		hook  string
		want  bool
		err   Reason
	}{
		"deleted": {want: true},
		"moved":   {moved: true},
		"refused": {hook: "exit 1", err: ReasonPushRejected},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
			s.bare("branch", "upgrades", "main")
			c := newTestClient(t, Options{})
			remote := s.remote().On("upgrades")
			checkout, err := c.Clone(t.Context(), remote)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = checkout.Close() }()
			if tc.moved {
				s.commit("Another", map[string]string{"a.yaml": "a: 2\n"})
				s.bare("branch", "-f", "upgrades", "main")
			}
			if tc.hook != "" {
				s.hook("pre-receive", tc.hook)
			}
			deleted, err := c.DeleteBranch(t.Context(), remote, checkout)
			if deleted != tc.want || ReasonOf(err) != tc.err {
				t.Errorf("DeleteBranch() = %v, %v", deleted, err)
			}
			if gone := s.bare("branch", "--list", "upgrades") == ""; gone != tc.want {
				t.Errorf("the branch is gone: %v, want %v", gone, tc.want)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.commit("Second", map[string]string{"a.yaml": "a: 2\n"})
	s.commit("Third", map[string]string{"a.yaml": "a: 3\n"})
	commits, err := newTestClient(t, Options{}).History(t.Context(), s.remote(), 2)
	if err != nil || len(commits) != 2 || commits[0].Hash != s.head() {
		t.Errorf("History() = %+v, %v", commits, err)
	}
}

func TestPropose(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.bare("config", "receive.advertisePushOptions", "true")
	s.hook("pre-receive", `while read -r old new ref; do if [ "$ref" = refs/heads/main ]; then echo protected >&2; exit 1; fi; done
echo "$GIT_PUSH_OPTION_0" > options`)
	c, remote := newTestClient(t, Options{}), s.remote()
	remote.PushOptions = map[string]string{"merge_request.create": "true"}
	if _, err := c.Update(t.Context(), remote, operator, appendLine("a.yaml", "b: 1")); ReasonOf(err) != ReasonPushRejected {
		t.Fatalf("Update() = %v", err)
	}
	propose := func(line string) bool {
		t.Helper()
		pushed, err := c.Propose(t.Context(), remote, "main-markers", anyCommit, operator, appendLine("a.yaml", line))
		if err != nil {
			t.Fatal(err)
		}
		return pushed
	}
	if !propose("b: 1") {
		t.Error("nothing was proposed")
	}
	if got := s.bare("show", "main-markers:a.yaml"); got != "a: 1\nb: 1" {
		t.Errorf("the branch has %q", got)
	}
	if got := s.bare("show", "main:a.yaml"); got != "a: 1" {
		t.Errorf("main has %q", got)
	}
	if options, err := os.ReadFile(filepath.Join(s.Root(), testRepo, "options")); err != nil || string(options) != "merge_request.create=true\n" {
		t.Errorf("the options are %q, %v", options, err)
	}
	if propose("b: 1") {
		t.Error("it was proposed twice")
	}
	s.hook("pre-receive", "exit 0")
	s.commit("A human's", map[string]string{"a.yaml": "a: 0\n"})
	if !propose("b: 1") {
		t.Error("an old proposal was left")
	}
	if base := s.bare("rev-parse", "main-markers^"); base != s.head() {
		t.Errorf("it stands on %s", base)
	}
	wrong := errors.New("no")
	_, err := c.Propose(t.Context(), remote, "main-markers", anyCommit, operator, func(*Checkout) (Change, error) { return Change{}, wrong })
	if !errors.Is(err, wrong) {
		t.Errorf("Propose() = %v", err)
	}
}

func anyCommit(Commit) bool { return true }

// A branch whose newest commit is somebody else's is left as it is.
func TestProposeReplacesOwnCommitsOnly(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.bare("branch", "main-markers", "main")
	none := func(Commit) bool { return false }
	_, err := newTestClient(t, Options{}).Propose(t.Context(), s.remote(), "main-markers", none, operator, appendLine("a.yaml", "b: 1"))
	if ReasonOf(err) != ReasonPushRejected || s.bare("rev-parse", "main-markers") != s.head() {
		t.Errorf("Propose() = %v", err)
	}
}

// A commit that somebody makes on the branch between the look at it and the push is not lost.
func TestProposeOverwritesNobody(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.bare("branch", "main-markers", "main")
	pushes := 0
	c := newTestClient(t, Options{OnOperation: func(operation string) {
		if operation == operationPush {
			if pushes++; pushes == 1 {
				s.commit("A human's", map[string]string{"a.yaml": "a: 2\n"})
				s.bare("branch", "-f", "main-markers", "main")
			}
		}
	}})
	_, err := c.Propose(context.WithoutCancel(t.Context()), s.remote(), "main-markers", anyCommit, operator, appendLine("a.yaml", "b: 1"))
	if err == nil {
		t.Error("it was pushed")
	}
	if diff := cmp.Diff("a: 2", s.bare("show", "main-markers:a.yaml")); diff != "" {
		t.Errorf("the branch (-want +got):\n%s", diff)
	}
	if strings.Contains(err.Error(), testPassword) {
		t.Errorf("the error tells the password: %v", err)
	}
}
