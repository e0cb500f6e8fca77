package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Names of the tools that Ensure builds.
const (
	Etcd                  = "etcd"
	KubeAPIServer         = "kube-apiserver"
	KubeControllerManager = "kube-controller-manager"
	SourceController      = "source-controller"
	KustomizeController   = "kustomize-controller"
	Registry              = "registry"
	Helm                  = "helm"
	ControllerGen         = "controller-gen"
	CRDRefDocs            = "crd-ref-docs"
	GolangciLint          = "golangci-lint"
)

// kubernetesVersion is stamped into the Kubernetes binaries, which otherwise report v0.0.0 and fail the kubeVersion of
// charts. A test holds it against hack/tools/kubernetes/go.mod.
const kubernetesVersion = "v1.36.3"

// tool says how one binary is built.
type tool struct {
	// module is the folder under hack/tools whose go.mod pins the tool.
	module string
	// pkg is the import path of its main package.
	pkg string
	// ldflags are added to those that every tool gets.
	ldflags string
	// cold is about how long the build takes on two cores with an empty build cache.
	cold time.Duration
}

var catalog = map[string]tool{
	Etcd:                  {module: "etcd", pkg: "go.etcd.io/etcd/server/v3", cold: 45 * time.Second},
	KubeAPIServer:         {module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-apiserver", ldflags: kubernetesLDFlags(), cold: 5 * time.Minute},
	KubeControllerManager: {module: "kubernetes", pkg: "k8s.io/kubernetes/cmd/kube-controller-manager", ldflags: kubernetesLDFlags(), cold: time.Minute},
	SourceController:      {module: "source-controller", pkg: "github.com/fluxcd/source-controller", cold: 3 * time.Minute},
	KustomizeController:   {module: "kustomize-controller", pkg: "github.com/fluxcd/kustomize-controller", cold: 3 * time.Minute},
	Registry:              {module: "registry", pkg: "github.com/distribution/distribution/v3/cmd/registry", cold: time.Minute},
	Helm:                  {module: "helm", pkg: "helm.sh/helm/v4/cmd/helm", cold: 2 * time.Minute},
	ControllerGen:         {module: "controller-gen", pkg: "sigs.k8s.io/controller-tools/cmd/controller-gen", cold: 30 * time.Second},
	CRDRefDocs:            {module: "crd-ref-docs", pkg: "github.com/elastic/crd-ref-docs", cold: 30 * time.Second},
	GolangciLint:          {module: "golangci-lint", pkg: "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", cold: 4 * time.Minute},
}

// Names returns the names of all tools, sorted.
func Names() []string {
	names := make([]string, 0, len(catalog))
	for name := range catalog {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Servers returns the names of the tools that a whole local environment runs, in the order in which it needs them.
func Servers() []string {
	return []string{Etcd, KubeAPIServer, KubeControllerManager, Registry, Helm, SourceController, KustomizeController}
}

func lookup(name string) (tool, error) {
	t, ok := catalog[name]
	if !ok {
		return tool{}, fmt.Errorf("there is no tool %q in hack/tools; the tools are %s", name, strings.Join(Names(), ", "))
	}
	return t, nil
}

func kubernetesLDFlags() string {
	major, rest, _ := strings.Cut(strings.TrimPrefix(kubernetesVersion, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	const pkg = "k8s.io/component-base/version"
	return fmt.Sprintf("-X %s.gitVersion=%s -X %s.gitMajor=%s -X %s.gitMinor=%s", pkg, kubernetesVersion, pkg, major, pkg, minor)
}
