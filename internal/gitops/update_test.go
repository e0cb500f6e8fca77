package gitops

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var operator = Author{Name: "app-upgrade-operator", Email: "operator@example.com"}

// appendLine is a change that adds a line to a file, unless it is there.
func appendLine(file, line string) func(*Checkout) (Change, error) {
	return func(c *Checkout) (Change, error) {
		content, err := fs.ReadFile(c.FS(), file)
		if err != nil || strings.Contains(string(content), line+"\n") {
			return Change{}, err
		}
		return Change{Message: "Add " + line, Files: map[string][]byte{file: append(content, line+"\n"...)}}, nil
	}
}

func TestUpdateMakesOneCommit(t *testing.T) {
	s := newHTTPServer(t, map[string]string{
		"a/b/c/deep.yaml": "a: 1\n",
		"a/b.yaml":        "a: 1\n",
		"a.yaml":          "a: 1\n",
		"other.yaml":      "o: 1\n",
		"run.sh":          "#!/bin/sh\n",
		"link.yaml":       "-> a.yaml",
	})
	s.git(s.human, "update-index", "--chmod=+x", "run.sh")
	s.git(s.human, "commit", "-q", "-m", "Executable")
	s.git(s.human, "push", "-q", "origin", "HEAD:main")
	before := s.head()

	var operations []string
	c := newTestClient(t, Options{OnOperation: func(op string) { operations = append(operations, op) }})
	head, err := c.Update(t.Context(), s.remote(), Author{"Bot <x>\nparent 0", "bot@example.com"}, func(*Checkout) (Change, error) {
		return Change{Message: "Mark versions\n\nbody\n\n", Files: map[string][]byte{
			"a/b/c/deep.yaml": []byte("a: 2\n"),
			"a/b.yaml":        []byte("a: 2\r\n"),
			"run.sh":          []byte("#!/bin/bash\n"),
			"other.yaml":      []byte("o: 1\n"),
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if head.Hash != s.head() {
		t.Errorf("Update() = %s, the branch is at %s", head.Hash, s.head())
	}
	if diff := cmp.Diff([]string{before}, head.Parents); diff != "" {
		t.Errorf("parents differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"clone", "push", "list"}, operations); diff != "" {
		t.Errorf("operations differ (-want +got):\n%s", diff)
	}
	want := "M\ta/b.yaml\nM\ta/b/c/deep.yaml\nM\trun.sh"
	if got := s.bare("diff", "--name-status", "HEAD~", "HEAD"); got != want {
		t.Errorf("changed:\n%s\nwant:\n%s", got, want)
	}
	if got := s.bare("ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD"); !strings.Contains(got, "100755 run.sh") || !strings.Contains(got, "120000 link.yaml") {
		t.Errorf("modes are not kept:\n%s", got)
	}
	if got, want := s.bare("log", "-1", "--format=%an|%ae|%cn|%B"), "Bot x parent 0|bot@example.com|Bot x parent 0|Mark versions\n\nbody"; got != want {
		t.Errorf("commit is\n%s\nwant\n%s", got, want)
	}
	s.bare("fsck", "--strict")
}

func TestUpdateWithNothingToDo(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	before := s.head()
	tests := map[string]Change{
		"no files":      {Message: "nothing"},
		"same contents": {Message: "nothing", Files: map[string][]byte{"a.yaml": []byte("a: 1\n")}},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			head, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(*Checkout) (Change, error) { return change, nil })
			if err != nil || head.Hash != before || s.head() != before {
				t.Errorf("Update() = %s, %v and the branch is at %s, want %s", head.Hash, err, s.head(), before)
			}
		})
	}
}

func TestUpdateRefusesPaths(t *testing.T) {
	s := newHTTPServer(t, map[string]string{
		"apps/a.yaml":    "a: 1\n",
		"apps/link.yaml": "-> a.yaml",
		"passwd":         "-> /etc/passwd",
		"etc":            "-> /etc",
	})
	before := s.head()
	for _, name := range []string{
		"apps/link.yaml", "passwd", "etc/passwd", "apps/new.yaml", "apps", "../apps/a.yaml", "apps/../apps/a.yaml", "/etc/passwd", ".git/config", "", ".",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(*Checkout) (Change, error) {
				return Change{Message: "m", Files: map[string][]byte{name: []byte("x"), "apps/a.yaml": []byte("a: 2\n")}}, nil
			})
			if ReasonOf(err) != ReasonPathRefused || !strings.Contains(err.Error(), fmt.Sprintf("%q", name)) {
				t.Errorf("Update() = %v, want reason %s", err, ReasonPathRefused)
			}
			if s.head() != before {
				t.Error("something was pushed")
			}
		})
	}
}

func TestUpdateGivesTheErrorOfChange(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	want := errors.New("no idea")
	_, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(*Checkout) (Change, error) { return Change{}, want })
	if !errors.Is(err, want) {
		t.Errorf("Update() = %v, want %v", err, want)
	}
}

func TestUpdateStartsAgainWhenTheBranchMoves(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"})
	calls := 0
	add := appendLine("a.yaml", "ours")
	head, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(c *Checkout) (Change, error) {
		if calls++; calls <= 2 {
			s.commit("Human", map[string]string{"b.yaml": fmt.Sprintf("b: %d\n", calls+1), "a.yaml": fmt.Sprintf("a: %d\n", calls+1)})
		}
		return add(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls != 3 || head.Hash != s.head() {
		t.Errorf("change was called %d times, head %s; want 3 times, %s", calls, head.Hash, s.head())
	}
	if got, want := s.bare("show", "HEAD:a.yaml"), "a: 3\nours"; got != want {
		t.Errorf("a.yaml is %q, want %q", got, want)
	}
	if got, want := s.bare("show", "HEAD:b.yaml"), "b: 3"; got != want {
		t.Errorf("b.yaml is %q, want %q", got, want)
	}
	if got, want := s.bare("rev-list", "--count", "HEAD"), "4"; got != want {
		t.Errorf("%s commits, want %s", got, want)
	}
}

func TestUpdateGivesUpOnABusyBranch(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	calls := 0
	add := appendLine("a.yaml", "ours")
	_, err := newTestClient(t, Options{Attempts: 3}).Update(t.Context(), s.remote(), operator, func(c *Checkout) (Change, error) {
		calls++
		s.commit("Human", nil)
		return add(c)
	})
	if ReasonOf(err) != ReasonBranchMoved || calls != 3 {
		t.Errorf("Update() = %v after %d calls, want reason %s after 3", err, calls, ReasonBranchMoved)
	}
}

func TestUpdateDoesNotBringBackADeletedBranch(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	add := appendLine("a.yaml", "ours")
	_, err := newTestClient(t, Options{}).Update(t.Context(), s.remote(), operator, func(c *Checkout) (Change, error) {
		s.bare("update-ref", "refs/heads/other", "HEAD")
		s.bare("update-ref", "-d", "refs/heads/main")
		return add(c)
	})
	if ReasonOf(err) != ReasonBranchNotFound {
		t.Errorf("Update() = %v, want reason %s", err, ReasonBranchNotFound)
	}
	if got := s.bare("for-each-ref", "refs/heads/main"); got != "" {
		t.Errorf("the branch is back: %s", got)
	}
}

func TestRacingUpdatesLoseNothing(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	c := newTestClient(t, Options{Attempts: 20})
	const racers = 4
	var wg sync.WaitGroup
	for i := range racers {
		wg.Go(func() {
			if _, err := c.Update(t.Context(), s.remote(), operator, appendLine("a.yaml", fmt.Sprintf("line-%d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	content := s.bare("show", "HEAD:a.yaml")
	for i := range racers {
		if line := fmt.Sprintf("line-%d", i); strings.Count(content, line) != 1 {
			t.Errorf("%s stands %d times in\n%s", line, strings.Count(content, line), content)
		}
	}
	if got, want := s.bare("rev-list", "--count", "HEAD"), fmt.Sprint(1+racers); got != want {
		t.Errorf("%s commits, want %s", got, want)
	}
}

// The server takes the push, and the answer never arrives.
func TestLostAnswerMakesNoSecondCommit(t *testing.T) {
	lost := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || !isPush(r) {
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(discardResponse{http.Header{}}, r)
			panic(http.ErrAbortHandler)
		})
	}
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"}, lost)
	c := newTestClient(t, Options{})
	for range 2 { // the second is the process that starts again
		head, err := c.Update(t.Context(), s.remote(), operator, appendLine("a.yaml", "ours"))
		if err != nil || head.Hash != s.head() {
			t.Errorf("Update() = %s, %v, want %s", head.Hash, err, s.head())
		}
	}
	if got, want := s.bare("rev-list", "--count", "HEAD"), "2"; got != want {
		t.Errorf("%s commits, want %s", got, want)
	}
}

type discardResponse struct{ header http.Header }

func (d discardResponse) Header() http.Header         { return d.header }
func (d discardResponse) Write(p []byte) (int, error) { return len(p), nil }
func (d discardResponse) WriteHeader(int)             {}
func (d discardResponse) Flush()                      {}

func TestStalledServerIsLeftInTime(t *testing.T) {
	release := make(chan struct{})
	var stall atomic.Value
	stall.Store("")
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path := stall.Load().(string); path != "" && strings.HasSuffix(r.URL.Path, path) {
				<-release
			}
			next.ServeHTTP(w, r)
		})
	})
	t.Cleanup(func() { close(release) }) // before the server stops, which waits for its requests
	for _, path := range []string{"/info/refs", "/git-upload-pack", "/git-receive-pack"} {
		t.Run(strings.TrimPrefix(path, "/"), func(t *testing.T) {
			stall.Store(path)
			defer stall.Store("")
			c := newTestClient(t, Options{Timeout: 200 * time.Millisecond})
			_, err := c.Update(t.Context(), s.remote(), operator, appendLine("a.yaml", "ours"))
			if ReasonOf(err) != ReasonUnreachable || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Update() = %v, want reason %s", err, ReasonUnreachable)
			}
		})
	}
}
