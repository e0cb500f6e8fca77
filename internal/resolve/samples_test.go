package resolve

import (
	"os"
	"path/filepath"
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// The sample of a GitRepository grants what the tenant's sample asks for, and each grant is needed.
func TestSampleGrants(t *testing.T) {
	var policy v1alpha1.AppUpgradePolicy
	sample(t, "tenant-pull-requests.yaml", &policy)
	git := policy.Spec.Git
	push := PushOf(git.Push)
	refused := func(of *sourcev1.GitRepository) bool {
		branch, problem := Usable(of, policy.Namespace, false)
		return problem != nil || Pushable(of, branch, policy.Namespace, push) != nil || ungranted(of, &policy) != ""
	}
	var repository sourcev1.GitRepository
	sample(t, "tenant-grants.yaml", &repository)
	if repository.Name != git.SourceRef.Name || repository.Namespace != git.SourceRef.Namespace || refused(&repository) {
		t.Errorf("GitRepository %s/%s does not serve the policy", repository.Namespace, repository.Name)
	}
	if len(repository.Annotations) != 4 {
		t.Errorf("it has the annotations %v", repository.Annotations)
	}
	for annotation := range repository.Annotations {
		less := repository.DeepCopy()
		delete(less.Annotations, annotation)
		if !refused(less) {
			t.Errorf("%s grants nothing that is asked for", annotation)
		}
	}
}

func sample(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../config/samples", name))
	if err == nil {
		err = yaml.UnmarshalStrict(data, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
