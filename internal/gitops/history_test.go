package gitops

import (
	"fmt"
	"slices"
	"testing"
)

func TestFindCommit(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "1\n"})
	for i := 2; i <= 10; i++ {
		s.commit(fmt.Sprintf("Commit %d", i), nil)
	}
	tests := map[string]struct {
		limit int
		match string
		want  bool
	}{
		"newest":                {3, "Commit 10\n", true},
		"within the limit":      {3, "Commit 8\n", true},
		"beyond the limit":      {3, "Commit 7\n", false},
		"the first":             {10, "First commit\n", true},
		"more than the history": {100, "First commit\n", true},
		"none":                  {100, "Commit 11\n", false},
		"nothing to search":     {0, "Commit 10\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok, err := newTestClient(t, Options{}).FindCommit(t.Context(), s.remote(), tt.limit, func(c Commit) bool { return c.Message == tt.match })
			if err != nil || ok != tt.want || (ok && got.Message != tt.match) {
				t.Errorf("FindCommit() = %q, %v, %v, want found: %v", got.Message, ok, err, tt.want)
			}
		})
	}
}

func TestFindCommitSearchesMergedBranches(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "1\n"})
	s.git(s.human, "checkout", "-q", "-b", "side")
	s.git(s.human, "commit", "-q", "--allow-empty", "-m", "Side commit")
	s.git(s.human, "checkout", "-q", "main")
	s.git(s.human, "commit", "-q", "--allow-empty", "-m", "Main commit")
	s.git(s.human, "merge", "-q", "--no-ff", "-m", "Merge side", "side")
	s.git(s.human, "push", "-q", "origin", "main")
	var seen []string
	_, ok, err := newTestClient(t, Options{}).FindCommit(t.Context(), s.remote(), 3, func(c Commit) bool {
		seen = append(seen, c.Message)
		return false
	})
	if ok || err != nil {
		t.Fatal(ok, err)
	}
	slices.Sort(seen[1:])
	if want := []string{"Merge side\n", "Main commit\n", "Side commit\n"}; !slices.Equal(seen, want) {
		t.Errorf("searched %q, want %q", seen, want)
	}
}
