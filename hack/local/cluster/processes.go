package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/giantswarm/app-upgrade-operator/hack/local/process"
)

// etcdProcess trades durability, which nobody needs here, for speed.
func etcdProcess(path, dir, clientURL, peerURL string) process.Config {
	return process.Config{
		Name:   "etcd",
		Path:   path,
		LogDir: filepath.Join(dir, "logs"),
		Args: []string{
			"--data-dir=" + filepath.Join(dir, "etcd"),
			"--listen-client-urls=" + clientURL,
			"--advertise-client-urls=" + clientURL,
			"--listen-peer-urls=" + peerURL,
			"--initial-advertise-peer-urls=" + peerURL,
			"--initial-cluster=default=" + peerURL,
			"--unsafe-no-fsync",
			"--heartbeat-interval=500",
			"--election-timeout=2500",
			"--log-level=warn",
		},
		Ready:       process.HTTPReady(http.DefaultClient, clientURL+"/readyz", http.StatusOK),
		StopTimeout: 3 * time.Second,
	}
}

func apiServerProcess(path, dir, etcdURL, address string, credentials credentials, admin *rest.Config) (process.Config, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return process.Config{}, fmt.Errorf("address of the API server: %w", err)
	}
	client, err := rest.HTTPClientFor(admin)
	if err != nil {
		return process.Config{}, fmt.Errorf("client of the API server: %w", err)
	}
	return process.Config{
		Name:   "kube-apiserver",
		Path:   path,
		LogDir: filepath.Join(dir, "logs"),
		Args: []string{
			"--etcd-servers=" + etcdURL,
			"--bind-address=" + host,
			"--advertise-address=" + host,
			"--secure-port=" + port,
			"--endpoint-reconciler-type=none",
			"--tls-cert-file=" + credentials.certFile,
			"--tls-private-key-file=" + credentials.keyFile,
			"--token-auth-file=" + credentials.tokenFile,
			"--authorization-mode=RBAC",
			"--service-account-issuer=" + serviceAccountIssuer,
			"--service-account-key-file=" + credentials.serviceAccountKeyFile,
			"--service-account-signing-key-file=" + credentials.serviceAccountKeyFile,
			"--service-cluster-ip-range=10.0.0.0/24",
			// Without kube-controller-manager nobody creates the service accounts that this plugin waits for, and there are no pods.
			"--disable-admission-plugins=ServiceAccount",
			"--profiling=false",
		},
		Ready:       apiServerReady(client, admin.Host),
		StopTimeout: 5 * time.Second,
	}, nil
}

// apiServerReady also asks for the namespace default, which many tests use and which is made shortly after readiness.
func apiServerReady(client *http.Client, url string) func(context.Context) error {
	ready := process.HTTPReady(client, url+"/readyz", http.StatusOK)
	namespace := process.HTTPReady(client, url+"/api/v1/namespaces/default", http.StatusOK)
	return func(ctx context.Context) error {
		if err := ready(ctx); err != nil {
			return err
		}
		return namespace(ctx)
	}
}

func managerProcess(path, dir, address, kubeconfig string, credentials credentials) process.Config {
	host, port, _ := net.SplitHostPort(address) // made by FreeAddress
	insecure := &http.Client{Transport: credentials.insecureTransport()}
	return process.Config{
		Name:   "kube-controller-manager",
		Path:   path,
		LogDir: filepath.Join(dir, "logs"),
		Args: []string{
			"--kubeconfig=" + kubeconfig,
			"--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,clusterrole-aggregation-controller",
			"--bind-address=" + host,
			"--secure-port=" + port,
			"--cert-dir=" + filepath.Join(dir, "controller-manager"),
			"--authentication-skip-lookup",
			"--leader-elect=false",
			// Namespaces are deleted and garbage is collected often here, with few objects.
			"--kube-api-qps=200",
			"--kube-api-burst=400",
		},
		Ready:       process.HTTPReady(insecure, "https://"+address+"/healthz", http.StatusOK),
		StopTimeout: 3 * time.Second,
	}
}
