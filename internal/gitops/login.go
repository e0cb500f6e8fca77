package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fluxcd/pkg/auth"
	"github.com/fluxcd/pkg/auth/aws"
	"github.com/fluxcd/pkg/auth/azure"
	"github.com/fluxcd/pkg/auth/githubapp"
	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/runtime/secrets"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cloud is a provider that gives tokens to an identity in a cloud.
type cloud struct {
	auth.GitCredentialsProvider
	// hosts are the servers to which such a token may be sent: the identity can be the operator's own, and a GitRepository a
	// tenant's.
	hosts *regexp.Regexp
	// what and serves are shown to people.
	what, serves string
}

// The hosts of Azure DevOps and AWS CodeCommit, as their vendors document them.
var clouds = map[string]cloud{
	sourcev1.GitProviderAzure: {
		azure.Provider{}, regexp.MustCompile(`^(dev\.azure\.com|[a-z0-9-]+\.visualstudio\.com)$`), "Azure DevOps", "https://dev.azure.com",
	},
	sourcev1.GitProviderAWS: {
		aws.Provider{}, regexp.MustCompile(`^git-codecommit(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`), "AWS CodeCommit",
		"https://git-codecommit.<region>.amazonaws.com",
	},
}

// login lets the provider of the GitRepository issue credentials. Those of the generic one are in the Secret.
func (s *source) login(ctx context.Context) error {
	provider := s.repo.GetProvider()
	if problem := s.mismatch(provider); problem != nil {
		return problem
	}
	if provider == sourcev1.GitProviderGeneric {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.remote.timeout, time.Minute))
	defer cancel()
	got, err := s.credentials(ctx, provider)
	if err != nil {
		return s.loginFailed(provider, err)
	}
	s.remote.auth.Username, s.remote.auth.Password, s.remote.auth.BearerToken = got.Username, got.Password, got.BearerToken
	return nil
}

// mismatch says why a provider cannot serve the GitRepository, whatever it would issue.
func (s *source) mismatch(provider string) *Error {
	named := client.ObjectKeyFromObject(s.repo)
	of, isCloud := clouds[provider]
	switch {
	case provider == sourcev1.GitProviderGeneric && s.methods.HasGitHubAppData():
		return s.unsupported("set spec.provider: github", "Secret %s holds a GitHub App, and GitRepository %s is of provider generic", s.secret, named)
	case provider == sourcev1.GitProviderGeneric:
		return nil
	case provider != sourcev1.GitProviderGitHub && !isCloud:
		return s.unsupported("use provider generic with a Secret, or github, azure or aws", "GitRepository %s has the unknown provider %q", named, provider)
	case provider == sourcev1.GitProviderGitHub && !s.methods.HasGitHubAppData():
		return s.unsupported("put githubAppID, githubAppInstallationID or githubAppInstallationOwner, and githubAppPrivateKey into the Secret of spec.secretRef",
			"GitRepository %s is of provider github, and no Secret of it holds a GitHub App", named)
	case s.remote.auth.Transport == git.SSH:
		return s.unsupported("use an https address", "GitRepository %s is reached by SSH, and provider %s issues tokens for HTTPS", named, provider)
	case isCloud:
		return s.astray(provider, of)
	}
	return nil
}

// astray says why the token of an identity in a cloud must not be asked for, or sent to where the GitRepository is.
func (s *source) astray(provider string, of cloud) *Error {
	named, account := client.ObjectKeyFromObject(s.repo), s.repo.Spec.ServiceAccountName
	switch {
	case s.url.Scheme != string(git.HTTPS) || s.url.Port() != "" || !of.hosts.MatchString(s.url.Hostname()):
		return s.unsupported("use provider generic with a Secret, or an address such as "+of.serves,
			"GitRepository %s is of provider %s, whose tokens are for %s only", named, provider, of.what)
	case account == "" && len(s.remote.auth.CAFile) > 0:
		return s.unsupported("remove ca.crt from the Secret, or give the GitRepository an identity of its own with spec.serviceAccountName",
			"GitRepository %s uses the operator's own identity at %s, and trusts an authority of its own, which could read the token", named, provider)
	case account != "" && s.accounts == nil:
		return s.unsupported("start the operator with --object-level-workload-identity, or remove spec.serviceAccountName",
			"GitRepository %s uses the identity of ServiceAccount %s, and this operator may make no tokens of service accounts", named, account)
	}
	return nil
}

// credentials asks the provider, with one login.
func (s *source) credentials(ctx context.Context, provider string) (*auth.GitCredentials, error) {
	if provider == sourcev1.GitProviderGitHub {
		options := []githubapp.OptFunc{githubapp.WithAppData(s.methods.GitHubAppData)}
		if proxy := s.proxyURL(); proxy != nil {
			options = append(options, githubapp.WithProxyURL(proxy))
		}
		if s.methods.HasTLS() {
			options = append(options, githubapp.WithTLSConfig(s.methods.TLS))
		}
		username, password, err := githubapp.GetCredentials(ctx, options...)
		return &auth.GitCredentials{Username: username, Password: password}, err
	}
	options := []auth.Option{auth.WithGitURL(s.url)}
	if s.repo.Spec.ServiceAccountName != "" {
		options = append(options, auth.WithClient(liveAccounts{s.accounts, s.reader}),
			auth.WithServiceAccountNamespace(s.repo.Namespace), auth.WithServiceAccountName(s.repo.Spec.ServiceAccountName))
		if proxy := s.proxyURL(); proxy != nil { // never for the operator's own identity: the proxy is a tenant's
			options = append(options, auth.WithProxyURL(*proxy))
		}
	}
	return auth.GetGitCredentials(ctx, clouds[provider], options...)
}

// liveAccounts reads around the cache, which would watch the service accounts of the whole cluster.
type liveAccounts struct {
	client.Client
	reader client.Reader
}

// Get reads one object.
func (l liveAccounts) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	return l.reader.Get(ctx, key, object, options...)
}

func (s *source) proxyURL() *url.URL {
	if s.remote.proxy.URL == "" {
		return nil
	}
	address, err := s.remote.proxy.FullURL()
	if err != nil {
		return nil // proxyOf has parsed it
	}
	return address
}

func (s *source) unsupported(next, format string, args ...any) *Error {
	return &Error{Reason: ReasonUnsupportedProvider, URL: s.remote.URL, Detail: fmt.Sprintf(format, args...), Next: next}
}

// jsonWebToken matches what logs in to a provider, should one quote it.
var jsonWebToken = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`)

// loginFailed says with the provider's words why it issued nothing.
func (s *source) loginFailed(provider string, err error) *Error {
	text := "No answer in time"
	if !errors.Is(err, context.DeadlineExceeded) {
		text = strings.Join(strings.Fields(jsonWebToken.ReplaceAllString(err.Error(), "***")), " ")
	}
	next := "check the identity of the operator, and that it may use the repository"
	switch {
	case provider == sourcev1.GitProviderGitHub:
		next = "check the GitHub App's ids and key in the GitRepository's Secret, and that it is installed for the repository"
	case s.repo.Spec.ServiceAccountName != "":
		next = "check the annotations of the ServiceAccount, and that its identity may use the repository"
	}
	return &Error{
		Reason: ReasonLoginFailed, URL: s.remote.URL, Branch: s.remote.Branch,
		Detail: s.remote.shown(fmt.Sprintf("Provider %s of GitRepository %s issued no credentials: %s", provider, client.ObjectKeyFromObject(s.repo), text)),
		Next:   next, cause: contextCause(err),
	}
}

// source is a GitRepository whose credentials are being read.
type source struct {
	reader client.Reader
	// accounts makes tokens of service accounts; nil: it must not.
	accounts client.Client
	repo     *sourcev1.GitRepository
	url      url.URL
	remote   Remote
	// methods are what the Secret holds, and secret is the Secret's name; of a GitRepository without one they are empty.
	methods secrets.AuthMethods
	secret  string
}
