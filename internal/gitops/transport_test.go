package gitops

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluxcd/gitkit"
	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func pemOf(kind string, der []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certificate makes a self-signed certificate for 127.0.0.1 and some names, and its key.
func certificate(t *testing.T, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	cert = pemOf("CERTIFICATE", der, err)
	der, err = x509.MarshalECPrivateKey(private)
	return cert, pemOf("EC PRIVATE KEY", der, err)
}

func TestHTTPSWithOwnAuthority(t *testing.T) {
	cert, key := certificate(t)
	s := newServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.Auth(testUser, testPassword)
	if err := s.StartHTTPS(cert, key, cert, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	data := map[string][]byte{"username": []byte(testUser), "password": []byte(testPassword)}
	url := s.HTTPAddress() + "/" + testRepo

	checkFailure(t, update(t, remoteWith(t, url, data)), ReasonUnreachable, "certificate", "ca.crt")
	data["ca.crt"] = cert
	if err := update(t, remoteWith(t, url, data)); err != nil {
		t.Error(err)
	}
	if got, want := s.bare("show", "HEAD:a.yaml"), "a: 1\nours"; got != want {
		t.Errorf("a.yaml is %q, want %q", got, want)
	}
}

func TestBearerToken(t *testing.T) {
	s := newServer(t, map[string]string{"a.yaml": "a: 1\n"})
	s.AddHTTPMiddlewares(answer(func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "Bearer "+testPassword {
			return http.StatusUnauthorized, "who are you"
		}
		return 0, ""
	}))
	if err := s.StartHTTP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	url := s.HTTPAddress() + "/" + testRepo
	if err := update(t, remoteWith(t, url, map[string][]byte{"bearerToken": []byte(testPassword)})); err != nil {
		t.Error(err)
	}
	checkFailure(t, update(t, remoteWith(t, url, map[string][]byte{"bearerToken": []byte("old")})), ReasonUnauthorized, "who are you")
	checkFailure(t, update(t, Remote{URL: url, Branch: "main"}), ReasonUnauthorized)
}

func TestProxy(t *testing.T) {
	s := newHTTPServer(t, map[string]string{"a.yaml": "a: 1\n"})
	var asked atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if strings.HasPrefix(r.In.Header.Get("Proxy-Authorization"), "Basic ") {
			asked.Add(1)
		}
	}})
	t.Cleanup(proxy.Close)
	remote := s.remote()
	remote.proxy.URL, remote.proxy.Username, remote.proxy.Password = proxy.URL, "proxy-user", "proxy-password"
	if err := update(t, remote); err != nil {
		t.Error(err)
	}
	if asked.Load() == 0 {
		t.Error("the proxy was not asked")
	}
}

// sshKey makes a private key in PEM form, encrypted if passphrase is not empty.
func sshKey(t *testing.T, passphrase string) (signer gossh.Signer, identity []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if signer, err = gossh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = gossh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

// sshHost is the key of a server, and the line of known_hosts that trusts it.
func sshHost(t *testing.T, address string) (gossh.Signer, string) {
	t.Helper()
	host, _ := sshKey(t, "")
	return host, knownhosts.Line([]string{address}, host.PublicKey()) + "\n"
}

// newSSHServer is a started SSH server that lets in the owner of one key, and its known_hosts line.
func newSSHServer(t *testing.T, user gossh.PublicKey, files map[string]string) (s *server, url string, knownHosts []byte) {
	t.Helper()
	s = newServer(t, files)
	s.Auth("", "").KeyDir(t.TempDir())
	host, _ := sshKey(t, "")
	config := &gossh.ServerConfig{}
	config.AddHostKey(host)
	s.WithSSHConfig(config)
	s.PublicKeyLookupFunc(func(content string) (*gitkit.PublicKey, error) {
		if strings.TrimSpace(content) != strings.TrimSpace(string(gossh.MarshalAuthorizedKey(user))) {
			return nil, errors.New("unknown key")
		}
		return &gitkit.PublicKey{Id: "test"}, nil
	})
	if err := s.ListenSSH(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.StartSSH() // ends with an error when the test stops it
	}()
	t.Cleanup(func() {
		if err := s.StopSSH(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	address := strings.TrimPrefix(s.SSHAddress(), "ssh://git@")
	return s, s.SSHAddress() + "/" + testRepo, []byte(knownhosts.Line([]string{address}, host.PublicKey()) + "\n")
}

func TestSSH(t *testing.T) {
	user, identity := sshKey(t, "")
	s, url, knownHosts := newSSHServer(t, user.PublicKey(), map[string]string{"a.yaml": "a: 1\n"})
	_, stranger := sshKey(t, "")
	otherHost, _ := sshKey(t, "")
	address := strings.TrimPrefix(s.SSHAddress(), "ssh://git@")
	wrongHost := []byte(knownhosts.Line([]string{address}, otherHost.PublicKey()) + "\n")

	if err := update(t, remoteWith(t, url, map[string][]byte{"identity": identity, "known_hosts": knownHosts})); err != nil {
		t.Error(err)
	}
	if got, want := s.bare("show", "HEAD:a.yaml"), "a: 1\nours"; got != want {
		t.Errorf("a.yaml is %q, want %q", got, want)
	}
	checkFailure(t, update(t, remoteWith(t, url, map[string][]byte{"identity": stranger, "known_hosts": knownHosts})), ReasonUnauthorized, "Secret")
	checkFailure(t, update(t, remoteWith(t, url, map[string][]byte{"identity": identity, "known_hosts": wrongHost})), ReasonUnreachable, "known_hosts")
}

func TestSSHHookSpeaks(t *testing.T) {
	for _, hook := range []string{"update", "pre-receive"} {
		t.Run(hook, func(t *testing.T) {
			user, identity := sshKey(t, testPassword)
			s, url, knownHosts := newSSHServer(t, user.PublicKey(), map[string]string{"a.yaml": "a: 1\n"})
			before := s.head()
			s.hook(hook, "echo 'GL-HOOK-ERR: sign your commits ("+testPassword+")' >&2; exit 1")
			remote := remoteWith(t, url, map[string][]byte{"identity": identity, "known_hosts": knownHosts, "password": []byte(testPassword)})
			checkFailure(t, update(t, remote), ReasonPushRejected, "GL-HOOK-ERR: sign your commits (***)", "hook declined")
			if s.head() != before {
				t.Error("the branch moved")
			}
		})
	}
}

// A server that lets in the owner of a certificate.
func TestClientCertificate(t *testing.T) {
	cert, key := certificate(t)
	s := newServer(t, map[string]string{"a.yaml": "a: 1\n"})
	if err := s.StartHTTP(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.StopHTTP)
	to, err := neturl.Parse(s.HTTPAddress())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(cert)
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
	front.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}
	front.StartTLS()
	t.Cleanup(front.Close)
	url := front.URL + "/" + testRepo

	if err := update(t, remoteWith(t, url, map[string][]byte{"ca.crt": cert, "tls.crt": cert, "tls.key": key})); err != nil {
		t.Error(err)
	}
	checkFailure(t, update(t, remoteWith(t, url, map[string][]byte{"ca.crt": cert})), ReasonUnreachable, "certificate")
	otherCert, otherKey := certificate(t)
	checkFailure(t, update(t, remoteWith(t, url, map[string][]byte{"ca.crt": cert, "tls.crt": otherCert, "tls.key": otherKey})), ReasonUnreachable)
}

// A server that accepts the connection and then says nothing.
func TestSilentSSHServerIsLeftInTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			accepted <- conn
		}
	}()
	host, _ := sshKey(t, "")
	_, identity := sshKey(t, "")
	address := listener.Addr().String()
	remote := remoteWith(t, "ssh://git@"+address+"/org/repo", map[string][]byte{
		"identity": identity, "known_hosts": []byte(knownhosts.Line([]string{address}, host.PublicKey()) + "\n"),
	})
	remote.timeout = 200 * time.Millisecond
	checkFailure(t, update(t, remote), ReasonUnreachable, "in time")
	if err := errors.Join((<-accepted).Close(), listener.Close()); err != nil {
		t.Error(err)
	}
}
