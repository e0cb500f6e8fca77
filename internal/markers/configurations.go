package markers

import (
	"cmp"
	"strings"

	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	sigsyaml "sigs.k8s.io/yaml"
)

// transformers is the content of a file of configurations, but for
// varReference: what holds a $(variable) of kustomize is not marked anyway.
type transformers struct {
	NamePrefix        kustypes.FsSlice `json:"namePrefix"`
	NameSuffix        kustypes.FsSlice `json:"nameSuffix"`
	Namespace         kustypes.FsSlice `json:"namespace"`
	CommonLabels      kustypes.FsSlice `json:"commonLabels"`
	Labels            kustypes.FsSlice `json:"labels"`
	TemplateLabels    kustypes.FsSlice `json:"templateLabels"`
	CommonAnnotations kustypes.FsSlice `json:"commonAnnotations"`
	Images            kustypes.FsSlice `json:"images"`
	Replicas          kustypes.FsSlice `json:"replicas"`
	VarReference      kustypes.FsSlice `json:"varReference"`
	NameReference     []struct {
		resid.Gvk `json:",inline"`
		Referrers kustypes.FsSlice `json:"fieldSpecs"`
	} `json:"nameReference"`
}

// configure adds what the kustomization's configurations and crds say about the
// wanted kind. A file that cannot be read may say anything.
// Its openapi says how lists are merged, and no version is in one.
func (b *builder) configure(dir string, k *kustomization) error {
	if b.kind == anyKind {
		return nil // nobody asks what the fields of all objects are
	}
	for _, list := range []struct {
		names []string
		read  func(name string) ([]fieldSpec, error)
	}{{k.Configurations, b.readConfiguration}, {k.Crds, b.readDefinitions}} {
		for _, name := range list.names {
			specs, err := b.specs(dir, name, list.read)
			if err != nil {
				specs = []fieldSpec{{blocked: k.unread("the configuration", name)}}
			}
			if err := b.leaveOut(name, err); err != nil {
				return err
			}
			if err := b.spend(k.file, len(specs)); err != nil {
				return err
			}
			b.configured = append(b.configured, specs...)
		}
	}
	return nil
}

// specs reads a file once.
func (b *builder) specs(dir, name string, read func(name string) ([]fieldSpec, error)) ([]fieldSpec, error) {
	name, err := b.resolve(dir, name)
	if err != nil {
		return nil, err
	}
	if specs, known := b.configurations[name]; known {
		return specs, nil
	}
	specs, err := read(name)
	if err == nil {
		b.configurations[name] = specs
	}
	return specs, err
}

// decode reads a file strictly, since newer fields may mean anything. The
// document is empty if the file is.
func (b *builder) decode(name string, into any) (*document, error) {
	content, err := b.repo.read(name)
	if err != nil {
		return nil, err
	}
	if err := b.spend(name, len(content)/bytesPerStep); err != nil {
		return nil, err
	}
	f := parseFile(name, content, nil)
	if p := f.unfoldable(); p != nil {
		return nil, p
	}
	if err := sigsyaml.UnmarshalStrict(content, into); err != nil {
		return nil, problem(Unreadable, name, 0, "the configuration cannot be parsed (%v); correct it", err)
	}
	if len(f.docs) == 0 {
		return &document{}, nil
	}
	return f.docs[0], nil
}

func (b *builder) readConfiguration(name string) (all []fieldSpec, err error) {
	var t transformers
	doc, err := b.decode(name, &t)
	if err != nil {
		return nil, err
	}
	for _, section := range []struct {
		name, by string
		specs    kustypes.FsSlice
	}{
		{"namePrefix", "namePrefix", t.NamePrefix},
		{"nameSuffix", "nameSuffix", t.NameSuffix},
		{"namespace", "namespace", t.Namespace},
		{"commonLabels", "labels", t.CommonLabels},
		{"labels", "labels", t.Labels},
		{"templateLabels", "labels", t.TemplateLabels},
		{"commonAnnotations", "commonAnnotations", t.CommonAnnotations},
		{"images", "images", t.Images},
		{"replicas", "replicas", t.Replicas},
	} {
		all = append(all, b.relevant(name, section.by, section.specs, doc.linesOf(child(doc.root, section.name), ""))...)
	}
	lines := doc.linesOf(child(doc.root, nameReference), "")
	for i, r := range t.NameReference {
		all = append(all, b.relevant(name, nameReference, r.Referrers, lines.repeated(i, len(r.Referrers)))...)
	}
	return all, nil
}

// readDefinitions reads a file of crds: definitions by their type's name, of
// which kustomize takes the part after the last dot for the kind. What they
// say of the wanted kind is not followed.
func (b *builder) readDefinitions(name string) ([]fieldSpec, error) {
	var definitions map[string]any
	doc, err := b.decode(name, &definitions)
	if err != nil {
		return nil, err
	}
	for of := range definitions {
		if of[strings.LastIndex(of, ".")+1:] != b.kind.kind {
			continue
		}
		line := 0
		if at := child(doc.root, of); at != nil {
			line = doc.line(at)
		}
		return []fieldSpec{{gvk: resid.Gvk{Kind: b.kind.kind}, blocked: problem(NotMarkable, name, line,
			"these crds may let kustomize write to any field of %s; take its definition out", b.kind.kind)}}, nil
	}
	return nil, nil
}

// relevant are the specs that may change objects of the wanted kind otherwise
// than kustomize does anyway. One that is about the usual path takes that away
// from all other kinds.
func (b *builder) relevant(file, by string, all kustypes.FsSlice, lines itemLines) []fieldSpec {
	var specs []fieldSpec
	for i, fs := range all {
		gvk, of := fs.Gvk, cmp.Or(fs.Kind, "all kinds")
		if fs.Path == usualPath(by) {
			if gvk == (resid.Gvk{}) || by == "namespace" {
				continue
			}
			of, gvk = of+" and to no other", resid.Gvk{}
		}
		if gvk.Kind != "" && gvk.Kind != b.kind.kind || gvk.Group != "" && gvk.Group != b.kind.group {
			continue
		}
		why := func(rest string) *Problem {
			return problem(NotMarkable, file, lines.at(i), "this lets kustomize's %s write to %s of %s%s", by, brief(fs.Path), brief(of), rest)
		}
		specs = append(specs, fieldSpec{
			by: by, gvk: gvk, path: specPath(fs.Path), creates: fs.CreateIfNotPresent,
			blocked:   why(", so what a manifest says is not what is applied; take that entry out"),
			relabeled: why(", and a patch that may set the version selects by labels or annotations; let the patch select by name"),
		})
	}
	return specs
}

// usualPath is where a field of a kustomization writes to without being told to.
func usualPath(by string) string {
	switch by {
	case "namePrefix", "nameSuffix":
		return kustypes.MetadataNamePath
	case "namespace":
		return kustypes.MetadataNamespacePath
	case "labels":
		return "metadata/labels"
	case "commonAnnotations":
		return "metadata/annotations"
	}
	return ""
}

// ownLabels are the field specs in the labels of the kustomization itself.
func (b *builder) ownLabels(k *kustomization) []fieldSpec {
	var specs []fieldSpec
	lines := k.lines("labels", "fields")
	for i, label := range k.Labels {
		specs = append(specs, b.relevant(k.file, "labels", label.FieldSpecs, lines.repeated(i, len(label.FieldSpecs)))...)
	}
	return specs
}
