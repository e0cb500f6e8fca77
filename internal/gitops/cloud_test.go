package gitops

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/auth/aws"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// tokenEndpoint stands in for the address at which a cloud gives a pod the tokens of its identity.
func tokenEndpoint(t *testing.T, answer func(*http.Request) string) *httptest.Server {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer(r))
	}))
	t.Cleanup(endpoint.Close)
	return endpoint
}

// unset keeps what the machine is set up with out of a test.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "") // and back to what it was afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAzure(t *testing.T) {
	var asked string
	endpoint := tokenEndpoint(t, func(r *http.Request) string {
		asked = r.URL.Query().Get("resource") + " " + r.Header.Get("X-IDENTITY-HEADER")
		return fmt.Sprintf(`{"access_token":%q,"expires_on":"%d","resource":"x","token_type":"Bearer"}`, testPassword, time.Now().Add(time.Hour).Unix())
	})
	unset(t, "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")
	t.Setenv("AZURE_CLIENT_ID", rand.Text()) // the library keeps the tokens of an identity for as long as the process lives
	t.Setenv("IDENTITY_ENDPOINT", endpoint.URL)
	t.Setenv("IDENTITY_HEADER", "pod")
	repo := provided("azure", "https://dev.azure.com/org/project/_git/repo")
	repo.Spec.SecretRef = nil
	remote, err := RemoteOf(t.Context(), fake.NewClientBuilder().Build(), nil, repo)
	if err != nil {
		t.Fatal(err)
	}
	if want := "499b84ac-1321-427f-aa17-267ca6975798 pod"; asked != want { // Azure DevOps, by its id in every tenant
		t.Errorf("the endpoint was asked for %q, want %q", asked, want)
	}
	if remote.auth.BearerToken != testPassword || remote.auth.Username != "" {
		t.Error("the token is not what the remote uses")
	}
}

func TestAWS(t *testing.T) {
	var asked string
	endpoint := tokenEndpoint(t, func(r *http.Request) string {
		asked = r.Header.Get("Authorization")
		return fmt.Sprintf(`{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"wJalr","Token":%q,"Expiration":%q}`, testPassword, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
	unset(t, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE", "AWS_CA_BUNDLE")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.URL)
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "pod")
	repo := provided("aws", "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/gitops")
	repo.Spec.SecretRef = nil
	remote, err := RemoteOf(t.Context(), fake.NewClientBuilder().Build(), nil, repo)
	if err != nil {
		t.Fatal(err)
	}
	if asked != "pod" {
		t.Errorf("the endpoint was asked by %q", asked)
	}
	if remote.auth.Username != "AKIDEXAMPLE%"+testPassword || !strings.Contains(remote.auth.Password, "Z") {
		t.Error("the remote does not use a signature of the endpoint's key")
	}
	if text := remote.scrub(fmt.Sprint("no ", remote.auth.Username, " or ", remote.auth.Password)); text != "no *** or ***" {
		t.Errorf("shown is %q", text)
	}
}

// exchange stands in for AWS's exchange of a service account's token.
type exchange struct {
	aws.Implementation
	token string
}

func (e *exchange) AssumeRoleWithWebIdentity(_ context.Context, in *sts.AssumeRoleWithWebIdentityInput, _ sts.Options) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	e.token = *in.RoleArn + " by " + *in.WebIdentityToken
	id, key, session := "AKIDEXAMPLE", "wJalr", testPassword
	expires := time.Now().Add(time.Hour)
	return &sts.AssumeRoleWithWebIdentityOutput{Credentials: &ststypes.Credentials{AccessKeyId: &id, SecretAccessKey: &key, SessionToken: &session, Expiration: &expires}}, nil
}

// A GitRepository's own service account logs in, and Git is reached through its proxy: only AWS itself is played.
func TestAWSWithServiceAccount(t *testing.T) {
	const host = "git-codecommit.eu-central-1.amazonaws.com"
	auth.EnableObjectLevelWorkloadIdentity()
	t.Cleanup(auth.DisableObjectLevelWorkloadIdentity)
	played := &exchange{}
	known := clouds["aws"]
	clouds["aws"] = cloud{aws.Provider{Implementation: played}, known.hosts, known.what, known.serves}
	t.Cleanup(func() { clouds["aws"] = known })

	cert, key := certificate(t, host)
	s := newServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.AddHTTPMiddlewares(answer(func(r *http.Request) (int, string) {
		if user, _, _ := r.BasicAuth(); user != "AKIDEXAMPLE%"+testPassword {
			return http.StatusUnauthorized, ""
		}
		return 0, ""
	}))
	if err := s.StartHTTPS(cert, key, cert, host); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	proxy := newConnectProxy(t)
	proxy.to[host+":443"] = strings.TrimPrefix(s.HTTPAddress(), "https://")

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
		Namespace: "flux-system", Name: "git", Annotations: map[string]string{"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/git"},
	}}
	objects := []client.Object{account, proxy.secret(testUser, testPassword), secret("auth", map[string]string{"ca.crt": string(cert)})}
	cluster := fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		SubResourceCreate: func(_ context.Context, _ client.Client, sub string, of, into client.Object, _ ...client.SubResourceCreateOption) error {
			into.(*authenticationv1.TokenRequest).Status.Token = sub + " of " + of.GetName()
			return nil
		},
	}).Build()
	repo := provided("aws", "https://"+host+"/"+testRepo)
	repo.Spec.ServiceAccountName = "git"
	repo.Spec.ProxySecretRef = &meta.LocalObjectReference{Name: "proxy"}
	remote, err := RemoteOf(t.Context(), cluster, cluster, repo)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::123456789012:role/git by token of git"; played.token != want {
		t.Errorf("assumed is %q, want %q", played.token, want)
	}
	if err := update(t, remote); err != nil {
		t.Error(err)
	}
	if got, want := s.bare("show", "HEAD:a.yaml"), "a: 1\nours"; got != want {
		t.Errorf("a.yaml is %q, want %q", got, want)
	}
	repo.Spec.ServiceAccountName = "nobody"
	_, err = RemoteOf(t.Context(), cluster, cluster, repo)
	checkFailure(t, err, ReasonLoginFailed, "flux-system/nobody", "annotations of the ServiceAccount")
}
