package helm_test

import (
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/hack/local/cluster"
)

// kinds of other projects that the API server of this test does not know.
var withoutForeignKinds = []string{
	"--set", "networkPolicy.flavor=kubernetes,podMonitor.enabled=false,verticalPodAutoscaler.enabled=false",
}

func TestInstall(t *testing.T) {
	c := cluster.ForTest(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	must(t, c.WriteKubeconfig(kubeconfig))
	api := newClient(t, c)
	run := func(args ...string) {
		t.Helper()
		out, errOut, err := helm(t, append(args, "--namespace", namespace, "--kubeconfig", kubeconfig)...)
		if err != nil {
			t.Fatalf("helm %v: %v\n%s%s", args, err, out, errOut)
		}
	}

	must(t, api.Create(t.Context(), restrictedNamespace()))
	run("install", release, chart)
	checkPod(t, api)
	checkOperatorRuns(t, c, api)
	run(append([]string{"upgrade", release, chart, "--values", fullValues}, withoutForeignKinds...)...)
	checkPod(t, api)
	run("uninstall", release)

	for _, kind := range []string{"appupgradepolicies", "maintenanceschedules"} {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		must(t, api.Get(t.Context(), client.ObjectKey{Name: kind + ".upgrades.giantswarm.io"}, crd))
	}
	err := api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: release}, &appsv1.Deployment{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the Deployment after uninstall: %v, want not found", err)
	}
}

// restrictedNamespace makes the API server itself refuse what Pod Security "restricted" refuses.
func restrictedNamespace() *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   namespace,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
}

// checkPod creates the pod that the Deployment describes, since no controller does so here.
func checkPod(t *testing.T, api client.Client) {
	t.Helper()
	deployment := &appsv1.Deployment{}
	must(t, api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: release}, deployment))
	template := deployment.Spec.Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.GenerateName = namespace, release+"-"
	pod.Spec.PriorityClassName = "" // a class of the installation, which is not here
	must(t, api.Create(t.Context(), pod, client.DryRunAll))
	if read := pod.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem; read == nil || !*read {
		t.Error("the root file system is writable")
	}
}

func newClient(t *testing.T, c *cluster.Cluster) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	must(t, clientgoscheme.AddToScheme(scheme))
	must(t, apiextensionsv1.AddToScheme(scheme))
	api, err := client.New(c.Config(), client.Options{Scheme: scheme})
	must(t, err)
	return api
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
