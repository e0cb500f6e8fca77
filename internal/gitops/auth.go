package gitops

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/git"
	"github.com/fluxcd/pkg/ssh/knownhosts"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// supportedSchemes are those of Flux's GitRepository. Others, file above all,
// would let an address reach into the machine that we run on.
var supportedSchemes = map[string]bool{"http": true, "https": true, "ssh": true}

// sshDialTimeout bounds the connection to an SSH server; the whole operation has a timeout of its own.
const sshDialTimeout = 30 * time.Second

// minTokenLength is from where a user name is taken for a token, which some
// servers accept in its place. Git hosts issue tokens of 20 characters and more.
const minTokenLength = 16

// connection is a remote's address and credentials in the form of go-git.
type connection struct {
	url    string
	method transport.AuthMethod
	auth   *git.AuthOptions
}

// connection prepares the remote's credentials; those of a literal Remote come from its address.
func (r Remote) connection() (connection, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || !supportedSchemes[u.Scheme] {
		return connection{}, errUnsupportedURL
	}
	auth := r.auth
	if auth == nil {
		if auth, err = git.NewAuthOptions(*u, nil); err != nil {
			return connection{}, err
		}
	}
	method, err := methodOf(auth)
	if err != nil {
		return connection{}, err
	}
	u.User = nil
	return connection{url: u.String(), method: method, auth: auth}, nil
}

var errUnsupportedURL = errors.New("the address is not of scheme http, https or ssh")

// methodOf makes go-git's form of the credentials; nil means anonymous.
//
// pkg/git makes the same but keeps it to itself, and its push discards what the
// server says, for example which rule of a protected branch refused a commit.
func methodOf(auth *git.AuthOptions) (transport.AuthMethod, error) {
	switch {
	case auth.Transport == git.SSH:
		return newSSHAuth(auth)
	case auth.Username != "" || auth.Password != "":
		return &http.BasicAuth{Username: auth.Username, Password: auth.Password}, nil
	case auth.BearerToken != "":
		return &http.TokenAuth{Token: auth.BearerToken}, nil
	default:
		return nil, nil
	}
}

// sshAuth is a private key that trusts only the hosts of a known_hosts file.
type sshAuth struct {
	*ssh.PublicKeys
}

func newSSHAuth(auth *git.AuthOptions) (*sshAuth, error) {
	keys, err := ssh.NewPublicKeys(auth.Username, auth.Identity, auth.Password)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	callback, algorithms, err := knownhosts.New(auth.KnownHosts)
	if err != nil {
		return nil, fmt.Errorf("known_hosts: %w", err)
	}
	if len(algorithms) == 0 {
		return nil, errors.New("known_hosts names no host")
	}
	if slices.Contains(algorithms, gossh.KeyAlgoRSA) {
		// The file names the key's type; the server proves it with SHA-2.
		algorithms = append([]string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256}, algorithms...)
	}
	keys.HostKeyCallback = callback
	keys.HostKeyAlgorithms = algorithms
	return &sshAuth{PublicKeys: keys}, nil
}

// ClientConfig is the configuration of one connection.
func (a *sshAuth) ClientConfig() (*gossh.ClientConfig, error) {
	config, err := a.PublicKeys.ClientConfig()
	if err != nil {
		return nil, err
	}
	config.Timeout = sshDialTimeout
	if len(git.KexAlgos) > 0 {
		config.KeyExchanges = git.KexAlgos
	}
	if len(git.HostKeyAlgos) > 0 {
		config.HostKeyAlgorithms = git.HostKeyAlgos
	}
	return config, nil
}

// checkAuth finds credentials that no connection could use. Its errors quote no value.
func checkAuth(auth *git.AuthOptions) error {
	if _, err := methodOf(auth); err != nil {
		return err
	}
	if len(auth.CAFile) > 0 && !x509.NewCertPool().AppendCertsFromPEM(auth.CAFile) {
		return errors.New("ca.crt holds no certificate in PEM form")
	}
	if (len(auth.ClientCert) > 0) != (len(auth.ClientKey) > 0) {
		return errors.New("tls.crt and tls.key are needed together")
	}
	if len(auth.ClientCert) > 0 {
		if _, err := tls.X509KeyPair(auth.ClientCert, auth.ClientKey); err != nil {
			return fmt.Errorf("tls.crt and tls.key: %w", err)
		}
	}
	return nil
}

// basic is how HTTP sends a user name and a password.
func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// scrub removes every credential of the remote from a text.
func (r Remote) scrub(text string) string {
	text = withoutUserinfo(text)
	var secret []string
	if r.auth != nil {
		secret = append(secret, r.auth.Password, r.auth.BearerToken, basic(r.auth.Username, r.auth.Password))
		if len(r.auth.Username) >= minTokenLength {
			secret = append(secret, r.auth.Username)
		}
	}
	if r.proxy.Password != "" {
		secret = append(secret, r.proxy.Password, basic(r.proxy.Username, r.proxy.Password))
	}
	for _, s := range secret {
		if s == "" || s == basic("", "") {
			continue
		}
		text = strings.ReplaceAll(text, s, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(s), "***")
	}
	return text
}
