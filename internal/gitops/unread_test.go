package gitops

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// noise cannot be compressed much.
func noise(t testing.TB, bytes int) string {
	t.Helper()
	random := make([]byte, bytes/2)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(random)
}

// Of what is too large beside the remote's branch only that is not read, and it is said of that branch.
func TestCloneBesideTooMuch(t *testing.T) {
	const small = "a: 1\n"
	many := map[string]string{}
	for i := range 60 {
		many[fmt.Sprintf("f%d.yaml", i)] = ""
	}
	large := func(n int) map[string]string { return map[string]string{"large.yaml": noise(t, n)} }
	tree := map[string]string{"new.yaml": small}
	for name, tc := range map[string]struct {
		main          map[string]string
		branches      map[string]map[string]string
		opts          Options
		asked, unread []string
		// fetches are at most so many.
		fetches int32
		err     Reason
	}{
		"a large file":         {branches: map[string]map[string]string{"huge": large(2000)}, opts: Options{MaxObjectBytes: 1000}, unread: []string{"huge"}, fetches: 2},
		"many bytes":           {branches: map[string]map[string]string{"huge": large(20_000)}, opts: Options{MaxBytes: 5000}, unread: []string{"huge"}, fetches: 2},
		"many files":           {branches: map[string]map[string]string{"huge": many}, opts: Options{MaxFiles: 50}, unread: []string{"huge"}, fetches: 1},
		"many objects":         {branches: map[string]map[string]string{"huge": many}, opts: Options{MaxFiles: 5}, unread: []string{"huge"}, fetches: 2},
		"one of two":           {branches: map[string]map[string]string{"good": tree, "huge": large(2000)}, opts: Options{MaxObjectBytes: 1000}, unread: []string{"huge"}, fetches: 5},
		"one is not there":     {branches: map[string]map[string]string{"huge": large(2000)}, asked: []string{"away"}, opts: Options{MaxObjectBytes: 1000}, unread: []string{"huge"}, fetches: 5},
		"only together":        {branches: map[string]map[string]string{"one": large(6000), "two": large(6000)}, opts: Options{MaxBytes: 5000}, unread: []string{"one", "two"}, fetches: 5},
		"within":               {branches: map[string]map[string]string{"one": large(2000)}, opts: Options{MaxBytes: 5000, MaxFiles: 50}, fetches: 1},
		"the branch itself":    {main: large(2000), branches: map[string]map[string]string{"good": tree}, opts: Options{MaxObjectBytes: 1000}, fetches: 2, err: ReasonTooLarge},
		"each, and itself not": {branches: map[string]map[string]string{"one": large(2000), "two": large(2000)}, opts: Options{MaxObjectBytes: 1000}, unread: []string{"one", "two"}, fetches: 4},
	} {
		t.Run(name, func(t *testing.T) {
			var fetches atomic.Int32
			tc.opts.OnOperation = func(operation string) {
				if operation == operationClone {
					fetches.Add(1)
				}
			}
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: main\n"})
			if tc.main != nil {
				s.commit("Main", tc.main)
			}
			for branch, files := range tc.branches {
				s.branchOff(branch, files)
				tc.asked = append(tc.asked, branch)
			}
			c := newTestClient(t, tc.opts)
			checkout, err := c.Clone(t.Context(), s.remote().Beside(tc.asked...))
			if got := fetches.Load(); got > tc.fetches {
				t.Errorf("%d fetches, want at most %d", got, tc.fetches)
			}
			if tc.err != "" {
				if ReasonOf(err) != tc.err {
					t.Errorf("Clone() = %v, want reason %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = checkout.Close() }()
			reads(t, checkout, "a: main\n")
			unread := map[string]bool{}
			for _, branch := range tc.unread {
				unread[branch] = true
				told(t, checkout.Unread(branch), branch)
			}
			for _, branch := range tc.asked {
				_, there := tc.branches[branch]
				if other := checkout.Beside(branch); (other != nil) != (there && !unread[branch]) || checkout.Unread(branch) != nil && !unread[branch] {
					t.Errorf("Beside(%s) = %v, Unread() = %v", branch, other, checkout.Unread(branch))
				}
			}
		})
	}
}

// told checks what is said of a branch that cannot be read.
func told(t *testing.T, err error, branch string) {
	t.Helper()
	if ReasonOf(err) != ReasonBranchUnread || !strings.Contains(err.Error(), "branch "+branch) || strings.Contains(err.Error(), testPassword) {
		t.Errorf("branch %s is unread: %v", branch, err)
	}
}

// stalling serves what asks for one commit only when the client has given up.
func stalling(hash *atomic.Value) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			wanted, _ := hash.Load().(string)
			if err == nil && wanted != "" && bytes.Contains(body, []byte("want "+wanted)) {
				<-r.Context().Done()
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
}

// A branch that does not arrive in time costs the others nothing but the wait.
func TestCloneBesideTooSlow(t *testing.T) {
	var slow atomic.Value
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: main\n"}, stalling(&slow))
	s.branchOff("slow", map[string]string{"a.yaml": "a: slow\n"})
	s.branchOff("good", map[string]string{"a.yaml": "a: good\n"})
	slow.Store(s.bare("rev-parse", "slow"))
	checkout := clone(t, newTestClient(t, Options{Timeout: 5 * time.Second}), s.remote().Beside("good", "slow"))
	reads(t, checkout, "a: main\n")
	reads(t, checkout.Beside("good"), "a: good\n")
	told(t, checkout.Unread("slow"), "slow")
}

// A server that fails while it is looked for what is too large is told, and so is a caller who has enough of it.
func TestCloneBesideFails(t *testing.T) {
	for name, tc := range map[string]struct {
		after  int32
		cancel bool
		want   Reason
	}{
		"at the branch alone":  {after: 2, want: ReasonUnreachable},
		"at the first probe":   {after: 3, want: ReasonUnreachable},
		"at what fits":         {after: 5, want: ReasonUnreachable},
		"the caller, before":   {after: 2, cancel: true, want: ReasonCanceled},
		"the caller, probing":  {after: 3, cancel: true, want: ReasonCanceled},
		"the caller, all over": {after: 5, cancel: true, want: ReasonCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var clones atomic.Int32
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: main\n"}, answer(func(*http.Request) (int, string) {
				if clones.Load() < tc.after {
					return 0, ""
				}
				return http.StatusBadGateway, "no"
			}))
			s.branchOff("huge", map[string]string{"large.yaml": noise(t, 2000)})
			s.branchOff("good", map[string]string{"a.yaml": "a: good\n"})
			c := newTestClient(t, Options{MaxObjectBytes: 1000, OnOperation: func(string) {
				if clones.Add(1) == tc.after && tc.cancel {
					cancel()
				}
			}})
			if _, err := c.Clone(ctx, s.remote().Beside("good", "huge")); ReasonOf(err) != tc.want {
				t.Errorf("Clone() = %v, want reason %s", err, tc.want)
			}
		})
	}
}

// What cannot be compared is said of the branch, too: the histories may be large although their ends are not.
func TestApartTooMuch(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.branchOff("upgrades", map[string]string{"large.yaml": noise(t, 2000)}, map[string]string{"large.yaml": ""})
	c := newTestClient(t, Options{MaxObjectBytes: 1000})
	checkout := clone(t, c, s.remote().Beside("upgrades"))
	if checkout.Beside("upgrades") == nil {
		t.Fatalf("the end of the branch cannot be read: %v", checkout.Unread("upgrades"))
	}
	_, err := c.Apart(t.Context(), s.remote(), checkout, "upgrades", 100)
	told(t, err, "upgrades")
	_, err = c.Propose(t.Context(), s.remote(), "upgrades", anyCommit, operator, ownLine)
	told(t, err, "upgrades")
}

// A branch for proposals that cannot be read is not taken for one that is not there.
func TestProposeTooMuch(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.branchOff("main-markers", map[string]string{"large.yaml": noise(t, 2000)})
	before := s.bare("rev-parse", "main-markers")
	pushed, err := newTestClient(t, Options{MaxObjectBytes: 1000}).Propose(t.Context(), s.remote(), "main-markers", anyCommit, operator, ownLine)
	told(t, err, "main-markers")
	if pushed || s.bare("rev-parse", "main-markers") != before {
		t.Error("something was pushed")
	}
}
