package cluster

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const serviceAccountIssuer = "https://kubernetes.default.svc"

// credentials of one control plane, made anew for each.
type credentials struct {
	certFile, keyFile     string // what the API server serves with
	ca                    []byte // what clients trust
	tokenFile             string // the administrator's token, as --token-auth-file wants it
	adminToken            string
	serviceAccountKeyFile string
}

func createCredentials(dir string) (credentials, error) {
	c := credentials{
		certFile:              filepath.Join(dir, "apiserver.crt"),
		keyFile:               filepath.Join(dir, "apiserver.key"),
		tokenFile:             filepath.Join(dir, "tokens.csv"),
		serviceAccountKeyFile: filepath.Join(dir, "service-accounts.key"),
	}
	chain, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"})
	if err != nil {
		return credentials{}, fmt.Errorf("make the API server's certificate: %w", err)
	}
	c.ca = chain // the certificate followed by the authority that signed it
	serviceAccountKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return credentials{}, fmt.Errorf("make the service accounts' signing key: %w", err)
	}
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return credentials{}, fmt.Errorf("make the administrator's token: %w", err)
	}
	c.adminToken = hex.EncodeToString(token)

	files := map[string][]byte{
		c.certFile:              chain,
		c.keyFile:               key,
		c.serviceAccountKeyFile: serviceAccountKey,
		c.tokenFile:             []byte(c.adminToken + ",admin,admin,system:masters\n"),
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return credentials{}, fmt.Errorf("write the control plane's credentials: %w", err)
		}
	}
	return c, nil
}

// adminConfig has no client-side rate limit (QPS -1): tests create hundreds of objects.
func (c credentials) adminConfig(host string) *rest.Config {
	return &rest.Config{
		Host:            host,
		BearerToken:     c.adminToken,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca},
		QPS:             -1,
	}
}

// insecureTransport reads the health of kube-controller-manager, which serves with a certificate that only it knows.
func (credentials) insecureTransport() http.RoundTripper {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // loopback, carries no secret
}
