package gitops

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNormaliseURL(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":                  {"https://github.com/org/repo", "https://github.com/org/repo"},
		"git suffix":             {"https://github.com/org/repo.git", "https://github.com/org/repo"},
		"git suffix and slashes": {"https://github.com/org/repo.git//", "https://github.com/org/repo"},
		"host case":              {"HTTPS://GitHub.COM/Org/Repo", "https://github.com/Org/Repo"},
		"default port":           {"https://github.com:443/org/repo", "https://github.com/org/repo"},
		"port of another scheme": {"http://git.example:443/org/repo", "http://git.example:443/org/repo"},
		"own port":               {"ssh://git@git.example:2222/org/repo.git", "ssh://git.example:2222/org/repo"},
		"user and password":      {"https://bob:hunter2@github.com/org/repo", "https://github.com/org/repo"},
		"token as user":          {"https://ghp_secret@github.com/org/repo", "https://github.com/org/repo"},
		"short form":             {"git@github.com:org/repo.git", "ssh://github.com/org/repo"},
		"short form, no user":    {"github.com:org/repo", "ssh://github.com/org/repo"},
		"short form, root":       {"git@github.com:/org/repo", "ssh://github.com/org/repo"},
		"long form":              {"ssh://git@github.com:22/org/repo", "ssh://github.com/org/repo"},
		"double slashes":         {"https://github.com//org//repo", "https://github.com/org/repo"},
		"query and fragment":     {"https://github.com/org/repo?x=1#y", "https://github.com/org/repo"},
		"IPv6":                   {"ssh://git@[::1]:22/org/repo", "ssh://[::1]/org/repo"},
		"space around":           {"  https://github.com/org/repo\n", "https://github.com/org/repo"},
		"no path":                {"https://github.com", "https://github.com"},
		"no address":             {"whatever", "whatever"},
		"broken, with password":  {"https://bob:hunter2@git hub/%zz", "https://git hub/%zz"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := NormaliseURL(tt.in); got != tt.want {
				t.Errorf("NormaliseURL(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestKey(t *testing.T) {
	one := Key("https://github.com/org/repo", "main")
	tests := map[string]struct {
		url, branch string
		same        bool
	}{
		"same repository, written differently": {"https://token@GitHub.com:443/org/repo.git/", "main", true},
		"another branch":                       {"https://github.com/org/repo", "next", false},
		"another repository":                   {"https://github.com/org/repo2", "main", false},
		"path case counts":                     {"https://github.com/org/Repo", "main", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Key(tt.url, tt.branch); (got == one) != tt.same {
				t.Errorf("Key(%q, %q) = %q against %q, want same: %v", tt.url, tt.branch, got, one, tt.same)
			}
		})
	}
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(one) {
		t.Errorf("Key() = %q, want 16 hexadecimal digits", one)
	}
}

func TestNormaliseURLIdempotent(t *testing.T) {
	address := rapid.Custom(func(t *rapid.T) string {
		return rapid.StringMatching(`([a-zA-Z]{2,5}://)?([a-z:%]{1,6}@)?[A-Za-z.\[\]:]{0,8}(:[0-9]{0,5})?[/:][a-zA-Z./%~ ]{0,12}(\.git)?/{0,2}`).Draw(t, "address")
	})
	rapid.Check(t, func(t *rapid.T) { checkNormalised(t, address.Draw(t, "raw")) })
}

func FuzzNormaliseURL(f *testing.F) {
	f.Add("git@github.com:org/repo.git")
	f.Add("https://bob:hunter2@github.com:443/org/repo.git/")
	f.Add("ssh://a@b@c/d.git.git")
	f.Fuzz(func(t *testing.T, raw string) { checkNormalised(t, raw) })
}

func checkNormalised(t rapid.TB, raw string) {
	once := NormaliseURL(raw)
	if twice := NormaliseURL(once); twice != once {
		t.Fatalf("NormaliseURL(%q) = %q, and of that %q", raw, once, twice)
	}
	_, rest, isURL := strings.Cut(once, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if isURL && strings.Contains(authority, "@") {
		t.Fatalf("NormaliseURL(%q) = %q still has user information", raw, once)
	}
}

func TestShownURL(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":               {"https://git.example/org/repo", "https://git.example/org/repo"},
		"password":            {"https://bob:hunter2@git.example/org/repo", "https://git.example/org/repo"},
		"password with slash": {"https://bob:hun/ter2@git.example/org/repo", "https://git.example/org/repo"},
		"password with at":    {"https://bob:hun@ter2@git.example/org/repo", "https://git.example/org/repo"},
		"at in the path":      {"https://git.example/org@2/repo", "https://git.example/org@2/repo"},
		"short form":          {"bob:hunter2@git.example:org/repo", "git.example:org/repo"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := shownURL(tt.in); got != tt.want {
				t.Errorf("shownURL(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}
