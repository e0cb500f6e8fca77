package gitops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"golang.org/x/crypto/ssh/knownhosts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// gitRepository is one of branch main whose Secret is named auth.
func gitRepository(change func(*sourcev1.GitRepositorySpec)) *sourcev1.GitRepository {
	repo := &sourcev1.GitRepository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "flux-system", Name: "gitops"},
		Spec: sourcev1.GitRepositorySpec{
			URL:       "https://git.example/org/repo.git",
			Reference: &sourcev1.GitRepositoryRef{Branch: "main"},
			SecretRef: &meta.LocalObjectReference{Name: "auth"},
		},
	}
	change(&repo.Spec)
	return repo
}

func secret(name string, data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "flux-system", Name: name}, Data: map[string][]byte{}}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}

func TestRemoteOfBranch(t *testing.T) {
	tests := map[string]struct {
		ref  *sourcev1.GitRepositoryRef
		want string
		bad  string
	}{
		"branch":            {ref: &sourcev1.GitRepositoryRef{Branch: "main"}, want: "main"},
		"no reference":      {want: "master"},
		"empty reference":   {ref: &sourcev1.GitRepositoryRef{}, want: "master"},
		"tag":               {ref: &sourcev1.GitRepositoryRef{Tag: "v1"}, bad: "spec.ref.tag"},
		"semver":            {ref: &sourcev1.GitRepositoryRef{SemVer: "1.x"}, bad: "spec.ref.semver"},
		"name":              {ref: &sourcev1.GitRepositoryRef{Name: "refs/heads/main"}, bad: "spec.ref.name"},
		"commit":            {ref: &sourcev1.GitRepositoryRef{Commit: "abc"}, bad: "spec.ref.commit"},
		"commit and branch": {ref: &sourcev1.GitRepositoryRef{Commit: "abc", Branch: "main"}, bad: "spec.ref.commit"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			repo := gitRepository(func(s *sourcev1.GitRepositorySpec) { s.Reference, s.SecretRef = tt.ref, nil })
			got, err := RemoteOf(t.Context(), fake.NewClientBuilder().Build(), nil, repo)
			if got.Branch != tt.want {
				t.Errorf("branch is %q, want %q", got.Branch, tt.want)
			}
			if tt.bad != "" {
				checkFailure(t, err, ReasonNotABranch, tt.bad, "flux-system/gitops")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRemoteOfCredentials(t *testing.T) {
	_, identity := sshKey(t, "")
	_, encrypted := sshKey(t, testPassword)
	signer, _ := sshKey(t, "")
	host := knownhosts.Line([]string{"git.example"}, signer.PublicKey())
	cert, key := certificate(t)
	const https, ssh = "https://git.example/org/repo.git", "ssh://git@git.example/org/repo.git"
	tests := map[string]struct {
		url   string
		data  map[string]string
		want  Reason
		words string
	}{
		"basic":                    {https, map[string]string{"username": "u", "password": testPassword}, "", ""},
		"bearer":                   {https, map[string]string{"bearerToken": testPassword}, "", ""},
		"authority only":           {https, map[string]string{"ca.crt": string(cert)}, "", ""},
		"client certificate":       {https, map[string]string{"tls.crt": string(cert), "tls.key": string(key)}, "", ""},
		"SSH":                      {ssh, map[string]string{"identity": string(identity), "known_hosts": host}, "", ""},
		"SSH with passphrase":      {ssh, map[string]string{"identity": string(encrypted), "known_hosts": host, "password": testPassword}, "", ""},
		"password without user":    {https, map[string]string{"password": testPassword}, ReasonAuthInvalid, "username"},
		"user without password":    {https, map[string]string{"username": "u"}, ReasonAuthInvalid, "password"},
		"broken authority":         {https, map[string]string{"ca.crt": testPassword}, ReasonAuthInvalid, "ca.crt"},
		"certificate without key":  {https, map[string]string{"tls.crt": string(cert)}, ReasonAuthInvalid, "tls.key"},
		"broken certificate":       {https, map[string]string{"tls.crt": testPassword, "tls.key": testPassword}, ReasonAuthInvalid, "TLS certificate"},
		"SSH without key":          {ssh, map[string]string{"known_hosts": host}, ReasonAuthInvalid, "identity"},
		"SSH without known_hosts":  {ssh, map[string]string{"identity": string(identity)}, ReasonAuthInvalid, "known_hosts"},
		"SSH with a broken key":    {ssh, map[string]string{"identity": testPassword, "known_hosts": host}, ReasonAuthInvalid, "identity"},
		"SSH with wrong secret":    {ssh, map[string]string{"identity": string(encrypted), "known_hosts": host, "password": "no"}, ReasonAuthInvalid, "identity"},
		"SSH with broken hosts":    {ssh, map[string]string{"identity": string(identity), "known_hosts": "git.example ssh-ed25519 !"}, ReasonAuthInvalid, "known_hosts"},
		"SSH with no known host":   {ssh, map[string]string{"identity": string(identity), "known_hosts": "# none\n"}, ReasonAuthInvalid, "known_hosts"},
		"scheme of no repository":  {"file:///etc", map[string]string{}, ReasonURLInvalid, "spec.url"},
		"no address":               {"https://git example/%zz", map[string]string{}, ReasonURLInvalid, "spec.url"},
		"SSH with Basic's content": {ssh, map[string]string{"username": "u", "password": testPassword}, ReasonAuthInvalid, "identity"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reader := fake.NewClientBuilder().WithObjects(secret("auth", tt.data)).Build()
			remote, err := RemoteOf(t.Context(), reader, nil, gitRepository(func(s *sourcev1.GitRepositorySpec) { s.URL = tt.url }))
			if tt.want != "" {
				checkFailure(t, err, tt.want, tt.words)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if shown := fmt.Sprintf("%v %+v %#v %s", remote, remote, remote, remote); strings.Contains(shown, testPassword) {
				t.Errorf("the remote shows its credentials: %s", shown)
			}
		})
	}
}

func TestRemoteOfOthers(t *testing.T) {
	proxy := &meta.LocalObjectReference{Name: "proxy"}
	tests := map[string]struct {
		change  func(*sourcev1.GitRepositorySpec)
		objects []client.Object
		want    Reason
		words   string
	}{
		"anonymous":          {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef = nil }},
		"anonymous SSH":      {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef, s.URL = nil, "ssh://git.example/r" }, want: ReasonAuthInvalid, words: "without spec.secretRef"},
		"Secret is missing":  {change: func(*sourcev1.GitRepositorySpec) {}, want: ReasonSecretMissing, words: "flux-system/auth"},
		"generic":            {change: func(s *sourcev1.GitRepositorySpec) { s.Provider, s.SecretRef = "generic", nil }},
		"proxy":              {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef, s.ProxySecretRef = nil, proxy }, objects: []client.Object{secret("proxy", map[string]string{"address": "http://proxy:3128"})}},
		"proxy is missing":   {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef, s.ProxySecretRef = nil, proxy }, want: ReasonSecretMissing, words: "proxySecretRef"},
		"proxy is no URL":    {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef, s.ProxySecretRef = nil, proxy }, objects: []client.Object{secret("proxy", map[string]string{"address": "ftp://u:" + testPassword + "@proxy"})}, want: ReasonAuthInvalid, words: "flux-system/proxy"},
		"proxy has no value": {change: func(s *sourcev1.GitRepositorySpec) { s.SecretRef, s.ProxySecretRef = nil, proxy }, objects: []client.Object{secret("proxy", nil)}, want: ReasonAuthInvalid, words: "flux-system/proxy"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reader := fake.NewClientBuilder().WithObjects(tt.objects...).Build()
			_, err := RemoteOf(t.Context(), reader, nil, gitRepository(tt.change))
			if tt.want != "" {
				checkFailure(t, err, tt.want, tt.words)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRemoteOfKeepsWhatIsAskedFor(t *testing.T) {
	repo := gitRepository(func(s *sourcev1.GitRepositorySpec) {
		s.URL = "https://bob:" + testPassword + "@git.example/org/repo.git"
		s.Timeout = &metav1.Duration{Duration: 7 * time.Second}
		s.SecretRef = nil
		s.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"}
	})
	proxy := secret("proxy", map[string]string{"address": "http://proxy:3128", "username": "u", "password": testPassword})
	remote, err := RemoteOf(t.Context(), fake.NewClientBuilder().WithObjects(proxy).Build(), nil, repo)
	if err != nil {
		t.Fatal(err)
	}
	if remote.URL != "https://git.example/org/repo.git" || remote.timeout != 7*time.Second {
		t.Errorf("remote is %s with timeout %s", remote.URL, remote.timeout)
	}
	if remote.auth.Username != "bob" || remote.auth.Password != testPassword {
		t.Error("the address's credentials are lost")
	}
	if remote.proxy.URL != "http://proxy:3128" || remote.proxy.Username != "u" || remote.proxy.Password != testPassword {
		t.Error("the proxy's address or credentials are lost")
	}
}

// An API server that fails is no fault of the GitRepository: the error must not look like one.
func TestRemoteOfPassesAPIErrorsOn(t *testing.T) {
	want := errors.New("API server is away")
	reader := fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return want
		},
	}).Build()
	_, err := RemoteOf(t.Context(), reader, nil, gitRepository(func(*sourcev1.GitRepositorySpec) {}))
	if !errors.Is(err, want) || ReasonOf(err) != "" {
		t.Errorf("RemoteOf() = %v with reason %q, want %v without", err, ReasonOf(err), want)
	}
}
