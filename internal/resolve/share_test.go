package resolve

import (
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

func TestUngranted(t *testing.T) {
	const command = "kubectl annotate gitrepository --namespace default fleet --overwrite 'upgrades.giantswarm.io/allow-shared="
	const inGit = "' (or, if Flux applies it from Git, in its manifest, else Flux removes it again)"
	for name, tc := range map[string]struct{ namespace, annotation, want string }{
		"own repository":     {"default", "", ""},
		"not granted":        {"org-acme", "", command + "org-acme" + inGit},
		"granted to another": {"org-acme", "org-a, org-acm", command + "<what it has>,org-acme" + inGit},
		"granted":            {"org-acme", "org-a, org-acme", ""},
		"no patterns":        {"org-acme", "*", command + "<what it has>,org-acme" + inGit},
	} {
		t.Run(name, func(t *testing.T) {
			repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "fleet", Annotations: map[string]string{
				v1alpha1.AllowSharedAnnotation: tc.annotation,
			}}}
			if got := Ungranted(repository, tc.namespace); got != tc.want {
				t.Errorf("Ungranted() = %q, want %q", got, tc.want)
			}
		})
	}
}
