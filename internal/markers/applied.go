package markers

import (
	"maps"
	"slices"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/envsubst"
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
	IgnoreMissing   bool              `json:"ignoreMissingComponents"`
	PostBuild       struct {
		SubstituteStrategy kustomizev1.SubstituteStrategy `json:"substituteStrategy"`
		Substitute         map[string]string              `json:"substitute"`
		SubstituteFrom     []Reference                    `json:"substituteFrom"`
	} `json:"postBuild"`
	SourceRef struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"sourceRef"`
	KubeConfig map[string]any `json:"kubeConfig"`
}

// fluxFields are where fluxSpec stands, but for the variables, which are merged
// one by one.
var fluxFields = [][]string{
	{"spec", "path"},
	{"spec", "targetNamespace"},
	{"spec", "namePrefix"},
	{"spec", "nameSuffix"},
	{"spec", "patches"},
	{"spec", "components"},
	{"spec", "ignoreMissingComponents"},
	{"spec", "postBuild", "substituteStrategy"},
	{"spec", "postBuild", "substituteFrom"},
	{"spec", "sourceRef", "kind"},
	{"spec", "sourceRef", "name"},
	{"spec", "kubeConfig"},
}

var substituteField = []string{"spec", "postBuild", "substitute"}

// fluxSource is what a Flux Kustomization makes Flux build, as everything that
// writes into it leaves it, with the variables of who applies it. It is not ok
// for one that is a patch only, or that cannot be read.
func (o *object) fluxSource(by substitution) (src Source, ok bool) {
	fields := slices.Clone(fluxFields)
	for _, name := range o.keys(substituteField) {
		fields = append(fields, inlineField(name))
	}
	manifest := &yaml.Node{Kind: yaml.MappingNode}
	for _, field := range fields {
		o.lookup(field).eachPlace(func(at *place) {
			if at.site.node != nil {
				put(manifest, field, at.site.node)
			}
		})
	}
	if unfolded(manifest, map[*yaml.Node]int{}) > maxUnfolded {
		return Source{}, false
	}
	text, err := yaml.NewRNode(withoutAliases(manifest)).String()
	if err != nil {
		return Source{}, false
	}
	if o.substituted() {
		text = by.inText(text)
	}
	var read struct {
		Spec fluxSpec `json:"spec"`
	}
	if sigsyaml.Unmarshal([]byte(text), &read) != nil || read.Spec.SourceRef.Name == "" {
		return Source{}, false
	}
	return read.Spec.source(o.identity)
}

func (spec fluxSpec) source(of identity) (src Source, ok bool) {
	dir, p := cleanPath(FluxPath(spec.Path))
	return Source{
		Path: dir, TargetNamespace: spec.TargetNamespace, NamePrefix: spec.NamePrefix, NameSuffix: spec.NameSuffix,
		Patches: spec.Patches, Components: spec.Components, IgnoreMissingComponents: spec.IgnoreMissing, Remote: spec.KubeConfig != nil,
		Substitute: spec.PostBuild.Substitute, SubstituteFrom: spec.PostBuild.SubstituteFrom,
		SubstituteAlways: spec.PostBuild.SubstituteStrategy == kustomizev1.SubstituteStrategyAlways,
		Kustomization: FluxKustomization{
			Namespace: of.namespace, Name: of.name, Path: spec.Path, SourceRef: spec.SourceRef.Kind + "/" + spec.SourceRef.Name,
		},
	}, p == nil
}

// keys are those that anything sets below the field, sorted.
func (o *object) keys(field []string) []string {
	names := map[string]bool{}
	for _, l := range o.layers {
		l = undoubted(l)
		if at := l.apply(field, nil); at != nil && at.site.node != nil {
			for name := range stringMap(at.site.node) {
				names[name] = true
			}
		}
		steps, _ := l.(operations)
		for _, step := range steps {
			if n := len(field); len(step.path) == n+1 && slices.Equal(step.path[:n], field) {
				names[step.path[n]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// put sets a field of a mapping that was made by it.
func put(mapping *yaml.Node, field []string, value *yaml.Node) {
	for _, key := range field[:len(field)-1] {
		next := child(mapping, key)
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode}
			mapping.Content = append(mapping.Content, yaml.NewStringRNode(key).YNode(), next)
		}
		mapping = next
	}
	mapping.Content = append(mapping.Content, yaml.NewStringRNode(field[len(field)-1]).YNode(), value)
}

// withoutAliases is a copy in which every alias is what it stands for. The
// unfolded size of the node must be bounded.
func withoutAliases(node *yaml.Node) *yaml.Node {
	node = follow(node)
	plain := &yaml.Node{Kind: node.Kind, Style: node.Style, Tag: node.Tag, Value: node.Value}
	for _, child := range node.Content {
		plain.Content = append(plain.Content, withoutAliases(child))
	}
	return plain
}

// maxSubstituted is the largest text in which variables are replaced, in bytes.
const maxSubstituted = 64 << 10

// inText replaces variables as Flux does. What cannot be replaced stays: nobody
// has a folder of such a name.
func (s substitution) inText(text string) string {
	if s.leaves() || len(text) > maxSubstituted {
		return text
	}
	replaced, err := envsubst.Eval(text, func(name string) (string, bool) {
		value := s.variables[name]
		return value[:min(len(value), maxName)], true
	})
	if err != nil {
		return text
	}
	return replaced
}
