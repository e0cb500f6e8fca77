package markers

import (
	"github.com/fluxcd/pkg/apis/kustomize"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// fluxSpec is as much of a Flux Kustomization's spec as a build needs. It is
// read from files, in which any text may still be a variable.
type fluxSpec struct {
	Path            string            `json:"path"`
	TargetNamespace string            `json:"targetNamespace"`
	NamePrefix      string            `json:"namePrefix"`
	NameSuffix      string            `json:"nameSuffix"`
	Patches         []kustomize.Patch `json:"patches"`
	Components      []string          `json:"components"`
	PostBuild       struct {
		Substitute     map[string]string `json:"substitute"`
		SubstituteFrom []Reference       `json:"substituteFrom"`
	} `json:"postBuild"`
	SourceRef struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"sourceRef"`
}

// fluxSource is what the manifest of a Flux Kustomization makes Flux build. It
// is not ok for one that is a patch only, or that cannot be read.
func (o *object) fluxSource() (src Source, ok bool) {
	m, ok := o.layers[0].(merge)
	if !ok || unfolded(m.root, map[*yaml.Node]int{}) > maxUnfolded {
		return Source{}, false
	}
	text, err := yaml.NewRNode(m.root).String()
	if err != nil {
		return Source{}, false
	}
	var manifest struct {
		Spec fluxSpec `json:"spec"`
	}
	if sigsyaml.Unmarshal([]byte(text), &manifest) != nil || manifest.Spec.SourceRef.Name == "" {
		return Source{}, false
	}
	spec := manifest.Spec
	dir, p := cleanPath(spec.Path)
	return Source{
		Path: dir, TargetNamespace: spec.TargetNamespace, NamePrefix: spec.NamePrefix, NameSuffix: spec.NameSuffix,
		Patches: spec.Patches, Components: spec.Components,
		Substitute: spec.PostBuild.Substitute, SubstituteFrom: spec.PostBuild.SubstituteFrom,
		Kustomization: FluxKustomization{
			Namespace: o.namespace, Name: o.name, Path: spec.Path, SourceRef: spec.SourceRef.Kind + "/" + spec.SourceRef.Name,
		},
	}, p == nil
}
