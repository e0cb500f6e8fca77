package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/gitkit"
	"github.com/fluxcd/pkg/gittestserver"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// Markers and versions go into a repository that is reached by SSH.
func TestUpgradeOverSSH(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.overSSH()
	startOperator(t, environment.OperatorOptions{})
	f.policy("ssh", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded", func() error { return f.upgraded("1.1.0", "one") })
	f.onlyMarkersAndUpgrades()
}

// overSSH serves the fleet's repository by SSH too, and makes its GitRepository use that.
func (f *fleet) overSSH() {
	f.Helper()
	host, _ := sshPair(f.T)
	user, identity := sshPair(f.T)
	server := gittestserver.NewGitServer(filepath.Dir(f.repo.Dir())).KeyDir(f.TempDir())
	config := &ssh.ServerConfig{}
	config.AddHostKey(host)
	server.WithSSHConfig(config)
	server.PublicKeyLookupFunc(func(content string) (*gitkit.PublicKey, error) {
		if strings.TrimSpace(content) != strings.TrimSpace(string(ssh.MarshalAuthorizedKey(user.PublicKey()))) {
			return nil, errors.New("unknown key")
		}
		return &gitkit.PublicKey{Id: "operator"}, nil
	})
	must(f.T, server.ListenSSH())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.StartSSH() // ends with an error when the test stops it
	}()
	f.Cleanup(func() {
		must(f.T, server.StopSSH())
		<-ended
	})
	address := strings.TrimPrefix(server.SSHAddress(), "ssh://git@")
	meta := metav1.ObjectMeta{Namespace: f.namespace, Name: "ssh"}
	must(f.T, env.Client.Create(f.Context(), &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{
		"identity": identity, "known_hosts": []byte(knownhosts.Line([]string{address}, host.PublicKey()) + "\n"),
	}}))
	repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "gitops"}}
	must(f.T, env.Client.Patch(f.Context(), repository, mergePatch(`{"spec":{"url":%q,"secretRef":{"name":"ssh"}}}`,
		server.SSHAddress()+"/"+filepath.Base(f.repo.Dir()))))
}

func sshPair(t *testing.T) (signer ssh.Signer, identity []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err = ssh.NewSignerFromKey(private)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	return signer, pem.EncodeToMemory(block)
}
