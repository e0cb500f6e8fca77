package gitops

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/runtime/secrets"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-git/go-git/v5/plumbing/transport"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Remote is a branch and the means to reach it. One without credentials may be
// written as a literal; RemoteOf makes one from a GitRepository.
type Remote struct {
	// URL is the repository without user information.
	URL string
	// Branch is the short name of the branch.
	Branch string
	// PushOptions are given to the server with each push. A server that does not know them is not told.
	PushOptions map[string]string

	// beside are further branches that a clone fetches with it.
	beside  []string
	auth    *git.AuthOptions
	proxy   transport.ProxyOptions
	timeout time.Duration
}

// String shows the address only, so that a printed Remote holds no credentials.
func (r Remote) String() string { return shownURL(r.URL) + "@" + r.Branch }

// On is another branch of the same repository.
func (r Remote) On(branch string) Remote {
	r.Branch, r.beside = branch, nil
	return r
}

// Beside lets clones fetch further branches at once, as far as these are there and can be read, see Checkout.Beside.
func (r Remote) Beside(branches ...string) Remote {
	r.beside = slices.Concat(r.beside, branches)
	slices.Sort(r.beside)
	r.beside = slices.DeleteFunc(slices.Compact(r.beside), func(branch string) bool { return branch == r.Branch })
	return r
}

// GoString is String, for %#v.
func (r Remote) GoString() string { return r.String() }

// RemoteOf reads the address, the branch and the credentials of a GitRepository;
// Secrets are read in its namespace. A provider is asked for credentials each time:
// they last for what one look at Git does. accounts makes tokens of service accounts
// for that; without it a GitRepository that needs one is refused. An *Error says what
// is wrong with the GitRepository, its Secrets or its provider; any other error is the
// API server's, to be retried.
func RemoteOf(ctx context.Context, reader client.Reader, accounts client.Client, repo *sourcev1.GitRepository) (Remote, error) {
	s := &source{reader: reader, accounts: accounts, repo: repo, remote: Remote{URL: shownURL(repo.Spec.URL)}}
	if repo.Spec.Timeout != nil {
		s.remote.timeout = repo.Spec.Timeout.Duration
	}
	var err error
	if s.remote.Branch, err = branchOf(repo); err != nil {
		return Remote{}, err
	}
	if err := s.readAuth(ctx); err != nil {
		return Remote{}, err
	}
	if s.remote.proxy, err = proxyOf(ctx, reader, repo); err != nil {
		return Remote{}, err
	}
	if err := s.login(ctx); err != nil {
		return Remote{}, err
	}
	return s.remote, nil
}

// branchOf is the branch that a GitRepository follows; without a reference it is Flux's default.
func branchOf(repo *sourcev1.GitRepository) (string, error) {
	ref := repo.Spec.Reference
	if ref == nil {
		return git.DefaultBranch, nil
	}
	var other string
	switch {
	case ref.Commit != "":
		other = "commit"
	case ref.Name != "":
		other = "name"
	case ref.SemVer != "":
		other = "semver"
	case ref.Tag != "":
		other = "tag"
	case ref.Branch != "":
		return ref.Branch, nil
	default:
		return git.DefaultBranch, nil
	}
	return "", &Error{
		Reason: ReasonNotABranch, URL: shownURL(repo.Spec.URL),
		Detail: fmt.Sprintf("GitRepository %s follows spec.ref.%s, and versions can be committed to a branch only", client.ObjectKeyFromObject(repo), other),
		Next:   "set spec.ref.branch alone, or point the policy's spec.git.sourceRef at a GitRepository of the branch",
	}
}

// readAuth reads spec.secretRef and makes sure that the transport can use what it holds.
func (s *source) readAuth(ctx context.Context) error {
	repo := s.repo
	u, err := url.Parse(repo.Spec.URL)
	if err != nil || u.Host == "" || !supportedSchemes[u.Scheme] {
		return &Error{
			Reason: ReasonURLInvalid, URL: shownURL(repo.Spec.URL),
			Detail: fmt.Sprintf("spec.url of GitRepository %s is no http, https or ssh address", client.ObjectKeyFromObject(repo)),
			Next:   "correct spec.url; SSH addresses are written ssh://git@host/path",
		}
	}
	s.url = *u
	var data map[string][]byte
	where := "GitRepository " + client.ObjectKeyFromObject(repo).String() + " without spec.secretRef"
	if repo.Spec.SecretRef != nil {
		secret, err := secretOf(ctx, s.reader, repo, "secretRef", repo.Spec.SecretRef.Name)
		if err != nil {
			return err
		}
		s.secret = client.ObjectKeyFromObject(secret).String()
		where = "Secret " + s.secret
		// An SSH key's passphrase is a password without a user name, which the library refuses.
		methods, err := secrets.AuthMethodsFromSecret(ctx, secret, secrets.WithTLSSystemCertPool())
		switch {
		case err == nil:
			s.methods = *methods
		case u.Scheme != string(git.SSH):
			return authInvalid(repo, where, err)
		}
		data = secret.Data
	}
	if s.remote.auth, err = git.NewAuthOptions(*u, data); err != nil {
		return authInvalid(repo, where, err)
	}
	if err := checkAuth(s.remote.auth); err != nil {
		return authInvalid(repo, where, err)
	}
	return nil
}

// proxyOf reads spec.proxySecretRef; the zero value means none.
func proxyOf(ctx context.Context, reader client.Reader, repo *sourcev1.GitRepository) (transport.ProxyOptions, error) {
	if repo.Spec.ProxySecretRef == nil {
		return transport.ProxyOptions{}, nil
	}
	secret, err := secretOf(ctx, reader, repo, "proxySecretRef", repo.Spec.ProxySecretRef.Name)
	if err != nil {
		return transport.ProxyOptions{}, err
	}
	address, err := secrets.ProxyURLFromSecret(ctx, secret)
	if err != nil {
		// The library's text may quote the address, which may hold a password.
		return transport.ProxyOptions{}, authInvalid(repo, "Secret "+client.ObjectKeyFromObject(secret).String(),
			errors.New("its address is missing or no proxy URL"))
	}
	proxy := transport.ProxyOptions{Username: address.User.Username()}
	proxy.Password, _ = address.User.Password()
	address.User = nil
	proxy.URL = address.String()
	return proxy, nil
}

// secretOf reads a Secret that a field of the GitRepository names.
func secretOf(ctx context.Context, reader client.Reader, repo *sourcev1.GitRepository, field, name string) (*corev1.Secret, error) {
	key := client.ObjectKey{Namespace: repo.Namespace, Name: name}
	var secret corev1.Secret
	err := reader.Get(ctx, key, &secret)
	if apierrors.IsNotFound(err) {
		return nil, &Error{
			Reason: ReasonSecretMissing, URL: shownURL(repo.Spec.URL),
			Detail: fmt.Sprintf("Secret %s, which spec.%s of GitRepository %s names, does not exist", key, field, repo.Name),
			Next:   "create it, or correct the GitRepository",
			cause:  err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s of GitRepository %s: %w", key, repo.Name, err)
	}
	return &secret, nil
}

// authInvalid says that what stands in a Secret is not usable; err must not quote values.
func authInvalid(repo *sourcev1.GitRepository, where string, err error) *Error {
	return &Error{
		Reason: ReasonAuthInvalid, URL: shownURL(repo.Spec.URL),
		Detail: fmt.Sprintf("no usable credentials in %s: %v", where, err),
		Next:   "for HTTPS give username and password, or bearerToken, and ca.crt for an own authority; for SSH give identity and known_hosts",
	}
}
