// Package setters rewrites the marked fields of YAML files as Flux's image-automation-controller does.
//
// It is part of a stand-in for Flux. What counts as a marker, and every change of layout that comes with a rewrite,
// is kyaml's, the library that Flux uses too.
package setters

import (
	"fmt"
	"strings"
	"sync"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/google/go-containerregistry/pkg/name"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/fieldmeta"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// markerKey is the JSON key of a marker: `# {"$imagepolicy": "ns:name:tag"}`.
const markerKey = "$imagepolicy"

// definitionPrefix starts the reference that kyaml makes of a marker's text.
const definitionPrefix = fieldmeta.DefinitionsPrefix + fieldmeta.SetterDefinitionPrefix

// configureKyaml tells kyaml, whose configuration is global, the marker key once per process.
var configureKyaml = sync.OnceFunc(func() {
	fieldmeta.SetShortHandRef(markerKey)
	openapi.SuppressBuiltInSchemaUse()
})

// Apply sets every field below dir that carries the marker of one of the policies, writes the files that changed, and
// says what changed. Policies without a latest reference are left out. A reference that cannot be parsed fails the
// whole pass before anything is written, as it does in Flux.
func Apply(dir string, policies []imagev1.ImagePolicy) (Result, error) {
	configureKyaml()
	pass, err := newPass(policies)
	if err != nil {
		return Result{}, err
	}
	pipeline := kio.Pipeline{
		Inputs:  []kio.Reader{&markedFiles{root: dir}},
		Filters: []kio.Filter{kio.FilterFunc(pass.apply)},
		Outputs: []kio.Writer{&kio.LocalPackageWriter{PackagePath: dir}},
	}
	if err := pipeline.Execute(); err != nil {
		return Result{}, fmt.Errorf("failed to update files under %s: %w", dir, err)
	}
	return pass.result, nil
}

// pass is one walk over the documents: the value of each setter, and what was changed so far.
type pass struct {
	values map[string]string
	schema spec.Schema
	result Result
}

func newPass(policies []imagev1.ImagePolicy) (*pass, error) {
	p := &pass{values: map[string]string{}}
	for _, policy := range policies {
		ref := policy.Status.LatestRef
		if ref == nil {
			continue
		}
		if _, err := name.ParseReference(ref.String(), name.WeakValidation); err != nil {
			return nil, fmt.Errorf("encountered invalid image ref %q: %w", ref.String(), err)
		}
		setter := policy.Namespace + ":" + policy.Name
		p.values[setter] = ref.String()
		p.values[setter+":tag"] = ref.Tag
		p.values[setter+":name"] = ref.Name
		p.values[setter+":digest"] = ref.Digest
	}
	p.schema.Definitions = spec.Definitions{}
	for setter := range p.values {
		p.schema.Definitions[fieldmeta.SetterDefinitionPrefix+setter] = *spec.StringProperty()
	}
	return p, nil
}

// apply sets the fields of all documents and returns every document of each file in which a value changed.
func (p *pass) apply(documents []*yaml.RNode) ([]*yaml.RNode, error) {
	changed := map[string]bool{}
	for _, document := range documents {
		file, _, err := kioutil.GetFileAnnotations(document)
		if err != nil {
			return nil, err
		}
		changes, err := p.visit(document)
		if err != nil {
			return nil, err
		}
		if len(changes) == 0 {
			continue
		}
		changed[file] = true
		// A document without any metadata is written all the same, but nobody is told about it.
		if meta, err := document.GetMeta(); err == nil {
			p.result.add(file, ObjectIdentifier{meta.GetIdentifier()}, changes)
		}
	}

	var written []*yaml.RNode
	for _, document := range documents {
		file, _, err := kioutil.GetFileAnnotations(document)
		if err != nil {
			return nil, err
		}
		if changed[file] {
			written = append(written, document)
		}
	}
	return written, nil
}

// visit sets the marked scalars below node and returns the changes in the order of the file.
func (p *pass) visit(node *yaml.RNode) (changes []Change, err error) {
	collect := func(child *yaml.RNode) error {
		below, err := p.visit(child)
		changes = append(changes, below...)
		return err
	}
	switch node.YNode().Kind {
	case yaml.MappingNode:
		err = node.VisitFields(func(field *yaml.MapNode) error { return collect(field.Value) })
	case yaml.SequenceNode:
		err = node.VisitElements(collect)
	case yaml.ScalarNode:
		if change, ok := p.set(node); ok {
			changes = append(changes, change)
		}
	}
	return changes, err
}

// set gives a scalar the value that its marker asks for. It reports no change when the value was there already.
func (p *pass) set(node *yaml.RNode) (Change, bool) {
	field := fieldmeta.FieldMeta{SettersSchema: &p.schema}
	if err := field.Read(node); err != nil {
		return Change{}, false
	}
	setter, isSetter := strings.CutPrefix(field.Schema.Ref.String(), definitionPrefix)
	value, known := p.values[setter]
	if !isSetter || !known {
		return Change{}, false
	}
	change := Change{OldValue: node.YNode().Value, NewValue: value, Setter: setter}
	node.YNode().Value = value
	yaml.FormatNonStringStyle(node.YNode(), *spec.StringProperty())
	return change, change.OldValue != change.NewValue
}
