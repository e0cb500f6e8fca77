package gitops

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// githubAPI stands in for the part of GitHub's API that turns the key of an App into a token.
type githubAPI struct {
	*httptest.Server
	key    *rsa.PrivateKey
	tokens atomic.Int64
	// refuses is a status with which it answers instead, quoting who asked.
	refuses int
}

func newGitHubAPI(t *testing.T) *githubAPI {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	api := &githubAPI{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orgs/octo/installation", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":7}`) })
	mux.HandleFunc("POST /app/installations/7/access_tokens", func(w http.ResponseWriter, r *http.Request) {
		api.tokens.Add(1)
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		switch {
		case api.refuses != 0:
			w.WriteHeader(api.refuses)
			_, _ = fmt.Fprintf(w, `{"message":"no token for %s"}`, token)
		case !api.signed(token):
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"A JSON web token could not be decoded"}`)
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprintf(w, `{"token":%q,"expires_at":%q}`, testPassword, time.Now().Add(time.Hour).Format(time.RFC3339))
		}
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

// signed checks the App's signature, and that it speaks for App 42.
func (api *githubAPI) signed(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	signature, err2 := base64.RawURLEncoding.DecodeString(parts[2])
	var said struct {
		Issuer string `json:"iss"`
	}
	if errors.Join(err, err2, json.Unmarshal(claims, &said)) != nil || said.Issuer != "42" {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return rsa.VerifyPKCS1v15(&api.key.PublicKey, crypto.SHA256, sum[:], signature) == nil
}

func privatePEM(key *rsa.PrivateKey) string {
	return string(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil))
}

// app is a Secret with App 42 of the stand-in, with further values.
func (api *githubAPI) app(more map[string]string) *corev1.Secret {
	data := map[string]string{"githubAppID": "42", "githubAppPrivateKey": privatePEM(api.key), "githubAppBaseURL": api.URL}
	for key, value := range more {
		data[key] = value
	}
	return secret("auth", data)
}

// provided is a GitRepository of a provider.
func provided(provider, url string) *sourcev1.GitRepository {
	return gitRepository(func(s *sourcev1.GitRepositorySpec) { s.Provider, s.URL = provider, url })
}

func TestGitHubApp(t *testing.T) {
	s := newServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.Auth("x-access-token", testPassword)
	if err := s.StartHTTP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	for name, installation := range map[string]map[string]string{
		"by id":    {"githubAppInstallationID": "7"},
		"by owner": {"githubAppInstallationOwner": "octo"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newGitHubAPI(t)
			reader := fake.NewClientBuilder().WithObjects(api.app(installation)).Build()
			remote, err := RemoteOf(t.Context(), reader, nil, provided("github", s.HTTPAddress()+"/"+testRepo))
			if err != nil {
				t.Fatal(err)
			}
			if err := update(t, remote); err != nil {
				t.Error(err)
			}
			if n := api.tokens.Load(); n != 1 {
				t.Errorf("%d tokens for a clone and a push", n)
			}
			s.Auth("x-access-token", "a newer one") // as if the token had expired
			checkFailure(t, update(t, remote), ReasonUnauthorized, "refused the credentials")
			s.Auth("x-access-token", testPassword)
		})
	}
}

func TestGitHubAppWithProxy(t *testing.T) {
	api := newGitHubAPI(t)
	proxy := newConnectProxy(t)
	reader := fake.NewClientBuilder().WithObjects(api.app(map[string]string{"githubAppInstallationID": "7", "githubAppBaseURL": "http://api.github.example"}), proxy.secret(testUser, testPassword)).Build()
	proxy.to["api.github.example:80"] = strings.TrimPrefix(api.URL, "http://")
	repo := provided("github", "https://github.example/org/repo")
	repo.Spec.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"}
	remote, err := RemoteOf(t.Context(), reader, nil, repo)
	if err != nil || remote.auth.Password != testPassword {
		t.Errorf("RemoteOf() = %v, and the token is not the stand-in's", err)
	}
	proxy.password = "another"
	_, err = RemoteOf(t.Context(), reader, nil, repo)
	checkFailure(t, err, ReasonLoginFailed, "407")
}

func TestGitHubAppFails(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		more    map[string]string
		refuses int
		want    Reason
		words   string
	}{
		"another key":       {map[string]string{"githubAppInstallationID": "7", "githubAppPrivateKey": privatePEM(other)}, 0, ReasonLoginFailed, "could not be decoded"},
		"quoting":           {map[string]string{"githubAppInstallationID": "7"}, http.StatusForbidden, ReasonLoginFailed, "no token for ***"},
		"not installed":     {map[string]string{"githubAppInstallationOwner": "nobody"}, 0, ReasonLoginFailed, "installation"},
		"no key that can":   {map[string]string{"githubAppInstallationID": "7", "githubAppPrivateKey": testPassword}, 0, ReasonLoginFailed, "private key"},
		"both id and owner": {map[string]string{"githubAppInstallationID": "7", "githubAppInstallationOwner": "octo"}, 0, ReasonAuthInvalid, "githubApp"},
	} {
		t.Run(name, func(t *testing.T) {
			api := newGitHubAPI(t)
			api.refuses = tt.refuses
			reader := fake.NewClientBuilder().WithObjects(api.app(tt.more)).Build()
			_, err := RemoteOf(t.Context(), reader, nil, provided("github", "https://git.example/org/repo"))
			checkFailure(t, err, tt.want, tt.words)
			if strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("error shows a credential: %v", err)
			}
		})
	}
}
