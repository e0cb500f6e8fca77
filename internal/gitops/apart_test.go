package gitops

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// branchOff lets the human commit files on a branch from where main is, and go back to main.
func (s *server) branchOff(branch string, commits ...map[string]string) {
	s.t.Helper()
	s.git(s.human, "checkout", "-q", "-B", branch, "main")
	s.onBranch(branch, commits...)
}

// onBranch lets the human commit files on a branch that is checked out, and go back to main.
func (s *server) onBranch(branch string, commits ...map[string]string) {
	s.t.Helper()
	for _, files := range commits {
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(s.human, name), []byte(content), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
		s.git(s.human, "add", "-A")
		s.git(s.human, "commit", "-q", "-m", "On "+branch)
	}
	s.git(s.human, "push", "-q", "--force", "origin", branch)
	s.git(s.human, "checkout", "-q", "main")
}

func TestApart(t *testing.T) {
	const branch = "upgrades"
	value := map[string]string{"a.yaml": "a: 2\n"}
	human := map[string]string{"README.md": "changed\n", "new.md": "new\n"}
	for name, tc := range map[string]struct {
		with          func(*server)
		limit         int
		commits       int
		behind, known bool
		others        []string
	}{
		"the same":           {with: func(s *server) { s.branchOff(branch) }, known: true},
		"one on top":         {with: func(s *server) { s.branchOff(branch, value) }, commits: 1, known: true},
		"a human's on top":   {with: func(s *server) { s.branchOff(branch, value, human) }, commits: 2, known: true, others: []string{"README.md", "new.md"}},
		"a human's, amended": {with: func(s *server) { s.branchOff(branch, map[string]string{"a.yaml": "a: 2\n", "README.md": "x\n"}) }, commits: 1, known: true, others: []string{"README.md"}},
		"taken back":         {with: func(s *server) { s.branchOff(branch, value, map[string]string{"a.yaml": "a: 1\n"}) }, commits: 2, known: true},
		"behind": {with: func(s *server) {
			s.branchOff(branch, value)
			s.commit("Main", map[string]string{"b.yaml": "b: 2\n"})
		}, commits: 1, known: true, behind: true},
		"merged": {with: func(s *server) {
			s.branchOff(branch, value)
			s.git(s.human, "merge", "-q", "--no-ff", "-m", "Merge", branch)
			s.commit("Main", map[string]string{"b.yaml": "b: 2\n"})
		}, known: true, behind: true},
		"squashed, with a human's": {with: func(s *server) {
			s.branchOff(branch, value, human)
			s.git(s.human, "merge", "-q", "--squash", branch)
			s.commit("Squashed", nil)
			s.commit("Main", map[string]string{"b.yaml": "b: 2\n"})
		}, commits: 2, known: true, behind: true},
		"rebased": {with: func(s *server) {
			s.branchOff(branch, value)
			s.commit("Main", map[string]string{"b.yaml": "b: 2\n"})
			s.git(s.human, "checkout", "-q", branch)
			s.git(s.human, "rebase", "-q", "main")
			s.onBranch(branch)
		}, commits: 1, known: true},
		"main is merged into it": {with: func(s *server) {
			s.branchOff(branch, value)
			s.commit("Main", map[string]string{"b.yaml": "b: 2\n"})
			s.git(s.human, "checkout", "-q", branch)
			s.git(s.human, "merge", "-q", "-m", "Merge main", "main")
			s.onBranch(branch)
		}, commits: 2, known: true},
		"a file is deleted": {with: func(s *server) {
			s.git(s.human, "checkout", "-q", "-B", branch, "main")
			s.git(s.human, "rm", "-q", "b.yaml")
			s.onBranch(branch, value)
		}, commits: 1, known: true, others: []string{"b.yaml"}},
		"a link": {with: func(s *server) {
			s.git(s.human, "checkout", "-q", "-B", branch, "main")
			s.git(s.human, "rm", "-q", "b.yaml")
			if err := os.Symlink("a.yaml", filepath.Join(s.human, "b.yaml")); err != nil {
				s.t.Fatal(err)
			}
			s.onBranch(branch, value)
		}, commits: 1, known: true, others: []string{"b.yaml"}},
		"it began long ago": {with: func(s *server) {
			s.branchOff(branch, value)
			for _, text := range strings.Split("2 3 4 5", " ") {
				s.commit("Main", map[string]string{"b.yaml": "b: " + text + "\n"})
			}
		}, limit: 2, commits: 2, behind: true},
		"nothing in common": {with: func(s *server) {
			s.git(s.human, "checkout", "-q", "--orphan", branch)
			s.onBranch(branch, value)
		}, commits: 1, behind: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n", "b.yaml": "b: 1\n", "README.md": "words\n"})
			tc.with(s)
			c := newTestClient(t, Options{})
			checkout, err := c.Clone(t.Context(), s.remote().Beside(branch))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = checkout.Close() }()
			if tc.limit == 0 {
				tc.limit = 100
			}
			apart, err := c.Apart(t.Context(), s.remote(), checkout, branch, tc.limit)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = apart.Close() }()
			if len(apart.Commits) != tc.commits || apart.Behind != tc.behind || apart.Known != tc.known {
				t.Errorf("Apart() = %d commits, behind %v, known %v", len(apart.Commits), apart.Behind, apart.Known)
			}
			if !tc.known {
				return
			}
			others, err := apart.Others(t.Context(), func(f FileChange) bool {
				return f.Path == "a.yaml" && string(f.Before) == "a: 1\n" && string(f.After) == "a: 2\n"
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.others, others); diff != "" {
				t.Errorf("Others() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestApartOfBranchThatMoves(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.branchOff("upgrades", map[string]string{"a.yaml": "a: 2\n"}, map[string]string{"a.yaml": "a: 3\n"})
	c := newTestClient(t, Options{})
	checkout, err := c.Clone(t.Context(), s.remote().Beside("upgrades"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checkout.Close() }()
	s.commit("Main", map[string]string{"a.yaml": "a: 4\n"})
	if _, err := c.Apart(t.Context(), s.remote(), checkout, "upgrades", 100); ReasonOf(err) != ReasonBranchMoved {
		t.Errorf("Apart() = %v", err)
	}
	if _, err := c.Apart(t.Context(), s.remote(), checkout, "other", 100); err == nil {
		t.Error("a branch that was not cloned is compared")
	}
}
