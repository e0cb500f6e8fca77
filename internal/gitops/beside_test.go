package gitops

import (
	"errors"
	"io/fs"
	"net/http"
	"sync/atomic"
	"testing"
)

// Branches that are needed together are fetched at once, whether they are all there or not.
func TestCloneBeside(t *testing.T) {
	for name, tc := range map[string]struct {
		there, asked []string
	}{
		"none":               {},
		"all there":          {there: []string{"upgrades", "next"}, asked: []string{"upgrades", "next"}},
		"one missing":        {there: []string{"next"}, asked: []string{"upgrades", "next"}},
		"all missing":        {asked: []string{"upgrades", "next"}},
		"one with more name": {there: []string{"upgrades-b"}, asked: []string{"upgrades"}},
		"itself":             {asked: []string{"main"}},
	} {
		t.Run(name, func(t *testing.T) {
			var fetches atomic.Int32
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: main\n"}, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						fetches.Add(1)
					}
					next.ServeHTTP(w, r)
				})
			})
			is := map[string]bool{}
			for _, branch := range tc.there {
				s.commit(branch, map[string]string{"a.yaml": "a: " + branch + "\n"})
				s.bare("branch", branch, "main")
				s.bare("update-ref", "refs/heads/main", "main^")
				s.git(s.human, "reset", "-q", "--hard", "HEAD^")
				is[branch] = true
			}
			checkout := clone(t, newTestClient(t, Options{}), s.remote().Beside(tc.asked...))
			if got := fetches.Load(); got != 1 {
				t.Errorf("%d fetches", got)
			}
			reads(t, checkout, "a: main\n")
			for _, branch := range tc.asked {
				other := checkout.Beside(branch)
				if (other != nil) != is[branch] {
					t.Errorf("Beside(%s) = %v", branch, other)
				}
				if other != nil {
					reads(t, other, "a: "+branch+"\n")
				}
			}
			if err := checkout.Close(); err != nil {
				t.Fatal(err)
			}
			for _, branch := range tc.there {
				if other := checkout.Beside(branch); other != nil {
					if _, err := fs.ReadFile(other.FS(), "a.yaml"); !errors.Is(err, fs.ErrClosed) {
						t.Errorf("branch %s is read after the end: %v", branch, err)
					}
				}
			}
		})
	}
}

func reads(t *testing.T, checkout *Checkout, want string) {
	t.Helper()
	if got, err := fs.ReadFile(checkout.FS(), "a.yaml"); err != nil || string(got) != want {
		t.Errorf("a.yaml is %q, %v, want %q", got, err, want)
	}
}
