package gitops

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// A provider that cannot serve a GitRepository, or whose token would go astray, is refused: nothing is anonymous instead.
func TestUnsupportedProviders(t *testing.T) {
	api := newGitHubAPI(t)
	cert, _ := certificate(t)
	const devops = "https://dev.azure.com/org/project/_git/repo"
	app := map[string]string{"githubAppID": "42", "githubAppInstallationID": "7", "githubAppPrivateKey": privatePEM(api.key)}
	_, identity := sshKey(t, "")
	_, knownHost := sshHost(t, "git.example")
	ssh := map[string]string{"identity": string(identity), "known_hosts": knownHost}
	for name, tt := range map[string]struct {
		provider, url string
		data          map[string]string
		account       string
		words         []string
	}{
		"an App, but generic":         {"", "https://github.com/org/repo", app, "", []string{"flux-system/auth", "provider: github"}},
		"github without an App":       {"github", "https://github.com/org/repo", map[string]string{"username": "u", "password": testPassword}, "", []string{"githubAppID"}},
		"github without a Secret":     {"github", "https://github.com/org/repo", nil, "", []string{"githubAppID"}},
		"azure by SSH":                {"azure", "ssh://git@git.example/v3/org/repo", ssh, "", []string{"https"}},
		"azure at a stranger":         {"azure", "https://git.example/org/repo", nil, "", []string{"Azure DevOps", "dev.azure.com"}},
		"azure at a look-alike":       {"azure", "https://dev.azure.com.git.example/org/repo", nil, "", []string{"Azure DevOps"}},
		"azure at another port":       {"azure", "https://dev.azure.com:8443/org/repo", nil, "", []string{"Azure DevOps"}},
		"azure in the clear":          {"azure", "http://dev.azure.com/org/repo", nil, "", []string{"Azure DevOps"}},
		"azure with an own authority": {"azure", devops, map[string]string{"ca.crt": string(cert)}, "", []string{"ca.crt", "serviceAccountName"}},
		"azure with an account":       {"azure", devops, nil, "git", []string{"ServiceAccount git", "--object-level-workload-identity"}},
		"aws at a stranger":           {"aws", "https://git-codecommit.eu-central-1.amazonaws.com.git.example/v1/repos/r", nil, "", []string{"AWS CodeCommit"}},
		"unknown":                     {"gitea", "https://git.example/org/repo", nil, "", []string{`"gitea"`}},
	} {
		t.Run(name, func(t *testing.T) {
			builder := fake.NewClientBuilder()
			repo := provided(tt.provider, tt.url)
			repo.Spec.ServiceAccountName = tt.account
			if tt.data == nil {
				repo.Spec.SecretRef = nil
			} else {
				builder.WithObjects(secret("auth", tt.data))
			}
			_, err := RemoteOf(t.Context(), builder.Build(), nil, repo)
			checkFailure(t, err, ReasonUnsupportedProvider, tt.words...)
		})
	}
}

func TestProviderAnswersNotInTime(t *testing.T) {
	release := make(chan struct{})
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(release); api.Close() })
	reader := fake.NewClientBuilder().WithObjects((&githubAPI{Server: api, key: newGitHubAPI(t).key}).app(map[string]string{"githubAppInstallationID": "7"})).Build()
	repo := provided("github", "https://git.example/org/repo")
	repo.Spec.Timeout = &metav1.Duration{Duration: 50 * time.Millisecond}
	_, err := RemoteOf(t.Context(), reader, nil, repo)
	checkFailure(t, err, ReasonLoginFailed, "No answer in time")
}
