package gitops

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

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

// ownCommit takes those whose message says so, as they were made.
func ownCommit(c Commit) bool { return !c.Redone && strings.HasPrefix(c.Message, "Own") }

// proposals is a server with a branch of that name beside main, and who commits to it.
type proposals struct{ *server }

// put commits to the branch, on top of what the human has checked out, as the operator or as the human.
func (s proposals) put(message string, content string, env ...string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.human, "a.yaml"), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.run(s.human, env, append([]string{"commit", "-q", "--allow-empty", "-a", "-m", message}, s.amending(message)...)...)
	s.git(s.human, "push", "-q", "-f", "origin", "HEAD:main-markers")
}

func (s proposals) amending(message string) []string {
	if message == amended {
		return []string{"--amend"}
	}
	return nil
}

const amended = "Own, amended"

func (s proposals) own(content string)   { s.put("Own", content) }
func (s proposals) their(content string) { s.put("A human's", content) }

// amend changes the newest commit as `git commit --amend` does: its author stays.
func (s proposals) amend(content string) {
	s.put(amended, content, "GIT_COMMITTER_NAME=Another", "GIT_COMMITTER_EMAIL=another@example.com")
}

// others commit to main.
func (s proposals) others(content string) {
	s.t.Helper()
	s.git(s.human, "checkout", "-q", "-B", "main", "origin/main")
	s.commit("Something else", map[string]string{"b.yaml": content})
}

// ownLine adds a line by an own commit.
func ownLine(c *Checkout) (Change, error) {
	change, err := appendLine("a.yaml", "b: 1")(c)
	change.Message = "Own line"
	return change, err
}

// A proposal is made on what is ours, in the place of what is ours, and never in the place of what somebody else has made.
func TestProposeKeepsWhatOthersMade(t *testing.T) {
	for name, tc := range map[string]struct {
		branch func(proposals)
		// want are the subjects of the branch's commits that are not in main, the newest first.
		want string
		err  Reason
	}{
		"absent":                       {branch: func(proposals) {}, want: "Own line"},
		"nothing of its own":           {branch: func(s proposals) { s.bare("branch", "main-markers", "main") }, want: "Own line"},
		"own":                          {branch: func(s proposals) { s.own("a: 1\nx: 1\n") }, want: "Own line Own"},
		"two of its own":               {branch: func(s proposals) { s.own("a: 1\nx: 1\n"); s.own("a: 1\nx: 2\n") }, want: "Own line Own Own"},
		"own, as wanted":               {branch: func(s proposals) { s.own("a: 1\nb: 1\n") }, want: "Own"},
		"own, behind":                  {branch: func(s proposals) { s.own("a: 1\nx: 1\n"); s.others("b: 1\n") }, want: "Own line"},
		"own, behind, as wanted":       {branch: func(s proposals) { s.own("a: 1\nb: 1\n"); s.others("b: 1\n") }, want: "Own"},
		"merged":                       {branch: func(s proposals) { s.bare("branch", "main-markers", "main"); s.others("b: 1\n") }, want: "Own line"},
		"a human's":                    {branch: func(s proposals) { s.their("a: 1\nx: 1\n") }, want: "A human's", err: ReasonPushRejected},
		"a human's on own":             {branch: func(s proposals) { s.own("a: 1\nx: 1\n"); s.their("a: 1\nx: 2\n") }, want: "A human's Own", err: ReasonPushRejected},
		"own on a human's":             {branch: func(s proposals) { s.their("a: 1\nx: 1\n"); s.own("a: 1\nx: 2\n") }, want: "Own A human's", err: ReasonPushRejected},
		"own on a human's, behind":     {branch: func(s proposals) { s.their("a: 1\nx: 1\n"); s.own("a: 1\nx: 2\n"); s.others("b: 1\n") }, want: "Own A human's", err: ReasonPushRejected},
		"amended by a human":           {branch: func(s proposals) { s.own("a: 1\nx: 1\n"); s.amend("a: 1\nx: 2\n") }, want: amended, err: ReasonPushRejected},
		"a human's, with what we want": {branch: func(s proposals) { s.their("a: 1\nb: 1\n") }, want: "A human's"},
	} {
		t.Run(name, func(t *testing.T) {
			s := proposals{newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 0\n"})}
			s.git(s.human, "fetch", "-q", "origin")
			tc.branch(s)
			for range 2 { // the second time nothing is left to do
				_, err := newTestClient(t, Options{}).Propose(t.Context(), s.remote(), "main-markers", ownCommit, operator, ownLine)
				if ReasonOf(err) != tc.err || tc.err == "" && err != nil {
					t.Fatalf("Propose() = %v", err)
				}
				if got := strings.ReplaceAll(s.bare("log", "--format=%s", "main..main-markers"), "\n", " "); got != tc.want {
					t.Errorf("the branch has the commits %q, want %q", got, tc.want)
				}
			}
		})
	}
}

// What somebody does with the branch between the look at it and the push is not lost, and it is tried again later.
func TestProposeOverwritesNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		before, meanwhile func(proposals)
		want              string
	}{
		"made":  {before: func(proposals) {}, meanwhile: func(s proposals) { s.their("a: 2\n") }, want: "a: 2"},
		"moved": {before: func(s proposals) { s.own("a: 1\nx: 1\n") }, meanwhile: func(s proposals) { s.their("a: 2\n") }, want: "a: 2"},
		"moved, behind": {
			before:    func(s proposals) { s.own("a: 1\nx: 1\n"); s.others("b: 1\n") },
			meanwhile: func(s proposals) { s.their("a: 2\n") }, want: "a: 2",
		},
		"deleted": {before: func(s proposals) { s.own("a: 1\nx: 1\n") }, meanwhile: func(s proposals) { s.bare("branch", "-D", "main-markers") }},
	} {
		t.Run(name, func(t *testing.T) {
			s := proposals{newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 0\n"})}
			s.git(s.human, "fetch", "-q", "origin")
			tc.before(s)
			var once sync.Once
			c := newTestClient(t, Options{OnOperation: func(operation string) {
				if operation == operationPush {
					once.Do(func() { tc.meanwhile(s) })
				}
			}})
			pushed, err := c.Propose(context.WithoutCancel(t.Context()), s.remote(), "main-markers", ownCommit, operator, ownLine)
			if pushed || ReasonOf(err) != ReasonBranchMoved {
				t.Errorf("Propose() = %v, %v", pushed, err)
			}
			if err != nil && strings.Contains(err.Error(), testPassword) {
				t.Errorf("the error tells the password: %v", err)
			}
			got := ""
			if s.bare("branch", "--list", "main-markers") != "" {
				got = s.bare("show", "main-markers:a.yaml")
			}
			if got != tc.want {
				t.Errorf("the branch has %q, want %q", got, tc.want)
			}
		})
	}
}

// What is not wanted any more is taken back where it is proposed, also if that is behind.
func TestProposeTakesBack(t *testing.T) {
	const proposed, plain = "a: 1\nb: 1\n", "a: 1"
	takeBack := func(c *Checkout) (Change, error) {
		content, err := fs.ReadFile(c.FS(), "a.yaml")
		if err != nil || string(content) != proposed {
			return Change{}, err
		}
		return Change{Message: "Own, taken back", Files: map[string][]byte{"a.yaml": []byte(plain + "\n")}}, nil
	}
	for name, tc := range map[string]struct {
		branch func(proposals)
		want   string
	}{
		"absent":          {branch: func(proposals) {}},
		"current":         {branch: func(s proposals) { s.own(proposed) }, want: plain},
		"behind":          {branch: func(s proposals) { s.own(proposed); s.others("b: 1\n") }, want: plain},
		"something else":  {branch: func(s proposals) { s.own("a: 2\n"); s.others("b: 1\n") }, want: "a: 2"},
		"with a human's":  {branch: func(s proposals) { s.own("a: 2\n"); s.their(proposed) }, want: strings.TrimSpace(proposed)},
		"a human's below": {branch: func(s proposals) { s.their("a: 2\n"); s.own(proposed) }, want: strings.TrimSpace(proposed)},
	} {
		t.Run(name, func(t *testing.T) {
			s := proposals{newHTTPServer(t, map[string]string{"a.yaml": plain + "\n", "b.yaml": "b: 0\n"})}
			s.git(s.human, "fetch", "-q", "origin")
			tc.branch(s)
			if _, err := newTestClient(t, Options{}).Propose(t.Context(), s.remote(), "main-markers", ownCommit, operator, takeBack); err != nil {
				t.Fatal(err)
			}
			got := ""
			if s.bare("branch", "--list", "main-markers") != "" {
				got = s.bare("show", "main-markers:a.yaml")
			}
			if got != tc.want {
				t.Errorf("the branch has %q, want %q", got, tc.want)
			}
		})
	}
}
