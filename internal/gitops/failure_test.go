package gitops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/gittestserver"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fluxcd/pkg/git"
)

// update tries to add a line, and gives the error.
func update(t *testing.T, remote Remote) error {
	t.Helper()
	_, err := newTestClient(t, Options{}).Update(t.Context(), remote, operator, appendLine("a.yaml", "ours"))
	return err
}

// checkFailure compares an error's reason and looks for words in its text, which must hold no secret.
func checkFailure(t *testing.T, err error, want Reason, words ...string) {
	t.Helper()
	if ReasonOf(err) != want {
		t.Fatalf("error %v has reason %q, want %q", err, ReasonOf(err), want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error does not say %q: %v", word, err)
		}
	}
	for chain := err; chain != nil; chain = errors.Unwrap(chain) {
		if text := fmt.Sprintf("%v %+v %#v", chain, chain, chain); strings.Contains(text, testPassword) {
			t.Errorf("error shows the password: %s", text)
		}
	}
}

func TestReadingFails(t *testing.T) {
	forbidden := answer(func(*http.Request) (int, string) { return http.StatusForbidden, "Your plan has ended" })
	broken := answer(func(*http.Request) (int, string) {
		return http.StatusBadGateway, "upstream of " + testPassword + " is gone"
	})
	nonsense := answer(func(*http.Request) (int, string) { return http.StatusOK, "<html>Please log in</html>" })
	tests := map[string]struct {
		middlewares []gittestserver.HTTPMiddleware
		repo        string
		branch      string
		password    string
		want        Reason
		words       string
	}{
		"wrong password":      {password: "wrong", want: ReasonUnauthorized, words: "Secret"},
		"no access":           {middlewares: []gittestserver.HTTPMiddleware{forbidden}, want: ReasonUnauthorized, words: "Your plan has ended"},
		"no such repository":  {repo: "org/other.git", want: ReasonRepositoryNotFound, words: "org/other.git"},
		"no such branch":      {branch: "next", want: ReasonBranchNotFound, words: "branch next"},
		"broken server":       {middlewares: []gittestserver.HTTPMiddleware{broken}, want: ReasonUnreachable, words: "502 Bad Gateway upstream of *** is gone"},
		"no Git server at it": {middlewares: []gittestserver.HTTPMiddleware{nonsense}, want: ReasonUnreachable, words: "usable answer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"}, tt.middlewares...)
			remote := s.remote()
			if tt.repo != "" {
				remote.URL = s.HTTPAddress() + "/" + tt.repo
			}
			if tt.branch != "" {
				remote.Branch = tt.branch
			}
			if tt.password != "" {
				remote.auth.Password = tt.password
			}
			checkFailure(t, update(t, remote), tt.want, tt.words, remote.URL)
		})
	}
}

func TestEmptyRepository(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.bare("update-ref", "-d", "refs/heads/main")
	checkFailure(t, update(t, s.remote()), ReasonBranchNotFound, "empty")
}

func TestNobodyListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	remote := remoteWith(t, "http://"+testUser+":"+testPassword+"@"+address+"/org/repo", nil)
	checkFailure(t, update(t, remote), ReasonUnreachable, "connection refused", "http://"+address+"/org/repo")
}

func TestForeignSchemesAreRefused(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	for _, url := range []string{"file://" + s.Root() + "/" + testRepo, s.Root() + "/" + testRepo, "git@github.com:org/repo", "ext::sh -c true", ""} {
		checkFailure(t, update(t, Remote{URL: url, Branch: "main"}), ReasonURLInvalid)
	}
}

func TestPushIsRejected(t *testing.T) {
	tests := map[string]struct {
		hook, script string
		want         Reason
		words        []string
	}{
		"update hook":      {"update", "echo 'error: GH006: Protected branch update failed for main.' >&2\nexit 1", ReasonPushRejected, []string{"GH006: Protected branch update failed for main.", "hook declined"}},
		"pre-receive hook": {"pre-receive", "printf 'You are not allowed\\nto push here (" + testPassword + ")\\n'; exit 1", ReasonPushRejected, []string{"You are not allowed | to push here (***)"}},
		"silent hook":      {"update", "exit 1", ReasonPushRejected, []string{"hook declined"}},
		"chatty hook":      {"update", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 1", ReasonPushRejected, []string{"line 1 "}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
			before := s.head()
			s.hook(tt.hook, tt.script)
			err := update(t, s.remote())
			checkFailure(t, err, tt.want, tt.words...)
			if len(err.Error()) > 2*maxDetail {
				t.Errorf("error has %d bytes", len(err.Error()))
			}
			if s.head() != before {
				t.Error("the branch moved")
			}
		})
	}
}

func TestReadOnlyCredentials(t *testing.T) {
	push := func(status int, body string) gittestserver.HTTPMiddleware {
		return answer(func(r *http.Request) (int, string) {
			if isPush(r) {
				return status, body
			}
			return 0, ""
		})
	}
	tests := map[string]struct {
		middleware gittestserver.HTTPMiddleware
		want       Reason
		words      string
	}{
		"forbidden":    {push(http.StatusForbidden, "Write access to repository not granted."), ReasonReadOnly, "Write access to repository not granted."},
		"unauthorised": {push(http.StatusUnauthorized, ""), ReasonReadOnly, "write access"},
		"hidden":       {push(http.StatusNotFound, ""), ReasonReadOnly, "write access"},
		"broken":       {push(http.StatusServiceUnavailable, "maintenance"), ReasonUnreachable, "503 Service Unavailable maintenance"},
		"ignored": {func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || !isPush(r) {
					next.ServeHTTP(w, r)
				}
			})
		}, ReasonPushRejected, "did not move the branch"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"}, tt.middleware)
			checkFailure(t, update(t, s.remote()), tt.want, tt.words)
		})
	}
}

func TestClassifyPush(t *testing.T) {
	tests := map[string]struct {
		err  error
		want Reason
	}{
		"deploy key":       {errors.New("unknown error: ERROR: The key you are authenticating with has been marked as read only."), ReasonReadOnly},
		"GitLab":           {errors.New("unknown error: remote: You are not allowed to push code to this project."), ReasonReadOnly},
		"SSH permission":   {errors.New("unknown error: ERROR: Permission to org/repo.git denied to deploy key"), ReasonReadOnly},
		"protected branch": {errors.New("command error on refs/heads/main: pre-receive hook declined"), ReasonPushRejected},
		"disk full":        {errors.New("unpack error: index-pack abnormal exit"), ReasonPushRejected},
		"time is up":       {context.DeadlineExceeded, ReasonUnreachable},
		"forbidden":        {fmt.Errorf("%w: no", transport.ErrAuthorizationFailed), ReasonReadOnly},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (Remote{}).failure(operationPush, tt.err, ""); got.Reason != tt.want {
				t.Errorf("failure() = %v, %s, want %s", got, got.Reason, tt.want)
			}
		})
	}
}

func TestLostRace(t *testing.T) {
	for text, want := range map[string]bool{
		"command error on refs/heads/main: failed to update ref":      true,
		"non-fast-forward update: refs/heads/main":                    true,
		"command error on refs/heads/main: hook declined":             false,
		"command error on refs/heads/main: pre-receive hook declined": false,
	} {
		if got := lostRace(errors.New(text)); got != want {
			t.Errorf("lostRace(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestSpoken(t *testing.T) {
	progress := "Resolving deltas:   0% (0/2)\rResolving deltas: 100% (2/2)\rResolving deltas: 100% (2/2), done.\n" +
		"\x1b[31merror:\x1b[0m no\r\n\n   \nGL-HOOK-ERR: line two\nlast without end"
	if diff := cmp.Diff("error: no | GL-HOOK-ERR: line two | last without end", spoken(progress)); diff != "" {
		t.Errorf("spoken() differs (-want +got):\n%s", diff)
	}
}

func TestNoErrorShowsASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringMatching(`[A-Za-z0-9+/=@:% _-]{8,40}`).Draw(t, "secret")
		remote := Remote{
			URL: "https://" + testUser + ":" + "x@git.example/org/repo", Branch: "main",
			auth:  &git.AuthOptions{Transport: git.HTTPS, Username: testUser, Password: secret, BearerToken: secret},
			proxy: transport.ProxyOptions{URL: "http://proxy", Password: secret},
		}
		text := rapid.StringMatching(`[a-z ]{0,10}`).Draw(t, "before") + secret + rapid.StringMatching(`[a-z ]{0,10}`).Draw(t, "after")
		err := remote.failure(rapid.SampledFrom([]string{operationClone, operationPush, operationList}).Draw(t, "operation"), errors.New(text), text)
		if shown := fmt.Sprintf("%v %#v %v %#v", err, *err, remote, remote); strings.Contains(shown, secret) {
			t.Fatalf("%q is shown: %s", secret, shown)
		}
	})
}
