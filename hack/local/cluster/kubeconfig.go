package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig with the administrator's rights to path.
func (c *Cluster) WriteKubeconfig(path string) error {
	return c.writeKubeconfig(path, "admin", c.config.BearerToken)
}

// ConfigFor returns a client configuration with the rights of a service account that exists.
func (c *Cluster) ConfigFor(ctx context.Context, serviceAccount types.NamespacedName) (*rest.Config, error) {
	token, err := c.token(ctx, serviceAccount)
	if err != nil {
		return nil, err
	}
	config := c.Config()
	config.BearerToken = token
	return config, nil
}

// KubeconfigFor writes a kubeconfig with the rights of a service account that exists, and returns its path.
func (c *Cluster) KubeconfigFor(ctx context.Context, serviceAccount types.NamespacedName) (string, error) {
	token, err := c.token(ctx, serviceAccount)
	if err != nil {
		return "", err
	}
	path := filepath.Join(c.dir, serviceAccount.Namespace+"."+serviceAccount.Name+".kubeconfig")
	return path, c.writeKubeconfig(path, serviceAccount.Name, token)
}

func (c *Cluster) token(ctx context.Context, serviceAccount types.NamespacedName) (string, error) {
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return "", fmt.Errorf("client for tokens: %w", err)
	}
	seconds := int64(24 * 60 * 60) // longer than any environment lives
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	response, err := client.CoreV1().ServiceAccounts(serviceAccount.Namespace).
		CreateToken(ctx, serviceAccount.Name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token for service account %s: %w", serviceAccount, err)
	}
	return response.Status.Token, nil
}

func (c *Cluster) writeKubeconfig(path, user, token string) error {
	const name = "local"
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: c.config.Host, CertificateAuthorityData: c.config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{user: {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: user, Namespace: metav1.NamespaceDefault}},
		CurrentContext: name,
	}
	if err := clientcmd.WriteToFile(config, path); err != nil { // makes it readable for the user only
		return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return nil
}
