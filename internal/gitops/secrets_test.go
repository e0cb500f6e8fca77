package gitops

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/git"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// newEcho is a server that refuses everything with what it was sent, as it was sent and decoded.
func newEcho(t *testing.T) *httptest.Server {
	t.Helper()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var said []string
		for _, header := range []string{"Authorization", "Proxy-Authorization"} {
			value := r.Header.Get(header)
			_, text, _ := strings.Cut(value, " ")
			decoded, _ := base64.StdEncoding.DecodeString(text) // what is no base64 was said already
			said = append(said, value, string(decoded))
		}
		http.Error(w, "not for "+strings.Join(said, ", "), http.StatusForbidden)
	}))
	t.Cleanup(echo.Close)
	return echo
}

// Whatever the kind of credentials: a server that repeats them does not bring them into an error.
func TestNoKindOfCredentialsIsShown(t *testing.T) {
	api, echo := newGitHubAPI(t), newEcho(t)
	const plain = "https://git.example/org/repo"
	// What a cloud issues, in the forms of its provider.
	azureToken, awsUser, awsPassword := testPassword+"-azure", "AKIDEXAMPLE%"+testPassword, "20260101T000000Z"+testPassword
	for name, tt := range map[string]struct {
		provider, url string
		data          map[string]string
		issued        *git.AuthOptions
		proxy         bool
		word          string
	}{
		"basic":                {url: plain, data: map[string]string{"username": "u", "password": testPassword}, word: "u:***"},
		"a token as user name": {url: "https://" + testPassword + "@git.example/org/repo", word: "***"},
		"in the URL":           {url: "https://u:" + testPassword + "@git.example/org/repo", word: "u:***"},
		"bearer":               {url: plain, data: map[string]string{"bearerToken": testPassword}, word: "Bearer ***"},
		"GitHub App":           {provider: "github", url: plain, word: "x-access-token:***"},
		"azure":                {url: plain, issued: &git.AuthOptions{Transport: git.HTTPS, BearerToken: azureToken}, word: "Bearer ***"},
		"aws":                  {url: plain, issued: &git.AuthOptions{Transport: git.HTTPS, Username: awsUser, Password: awsPassword}, word: "***:***"},
		"proxy":                {url: plain, data: map[string]string{"username": "u", "password": testPassword + "2"}, proxy: true, word: "***"},
	} {
		t.Run(name, func(t *testing.T) {
			repo := provided(tt.provider, tt.url)
			objects := []client.Object{api.app(map[string]string{"githubAppInstallationID": "7"})}
			if tt.data != nil {
				objects = []client.Object{secret("auth", tt.data)}
			}
			if tt.data == nil && tt.provider == "" {
				repo.Spec.SecretRef = nil
			}
			if tt.proxy {
				repo.Spec.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"}
				objects = append(objects, secret("proxy", map[string]string{"address": echo.URL, "username": "p", "password": testPassword}))
			}
			remote, err := RemoteOf(t.Context(), fake.NewClientBuilder().WithObjects(objects...).Build(), nil, repo)
			if err != nil {
				t.Fatal(err)
			}
			if tt.issued != nil {
				remote.auth = tt.issued
			}
			remote.URL = echo.URL + "/org/repo"
			err = update(t, remote)
			checkFailure(t, err, ReasonUnauthorized, "not for", tt.word)
			for _, user := range []string{"u", "p", "x-access-token", awsUser, testPassword} {
				for _, password := range []string{testPassword, testPassword + "2", awsPassword, ""} {
					if shown := fmt.Sprintf("%v %#v", err, err); strings.Contains(shown, basic(user, password)) {
						t.Errorf("error shows %s as it was sent: %s", user, shown)
					}
				}
			}
		})
	}
}
