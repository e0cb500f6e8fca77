package markers

import (
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// patch is one entry of a kustomization's patches, read.
type patch struct {
	// merges are strategic merge patches; operations a JSON6902 patch.
	merges     []patchMerge
	operations operations
	// target selects the objects; nil means those that the merges name.
	target   *kustypes.Selector
	options  kustypes.PatchArgs
	selector *kustypes.SelectorRegex
	// labels and annotations are those of the target.
	labels, annotations labels.Selector
	// unread is set for a patch that cannot be read.
	unread *Problem
}

// patchMerge is a strategic merge patch and the object that it names.
type patchMerge struct {
	merge
	object *object
	// labels and annotations are what the patch sets.
	labels, annotations map[string]string
}

// source says where the text of a patch stands.
type source struct {
	file string
	// inline is the Problem of a version inside the text of another file.
	inline *Problem
}

// patches reads the patches that come before the names change.
func (b *builder) patches(dir string, k *kustomization) ([]patch, error) {
	var all []patch
	lines := k.lines("patchesStrategicMerge", "")
	for i, text := range k.PatchesStrategicMerge {
		entry := kustypes.Patch{Path: string(text)}
		if strings.ContainsAny(entry.Path, "\n{") {
			entry = kustypes.Patch{Patch: string(text)}
		}
		p, err := b.readPatch(dir, k, entry, lines.at(i))
		if err != nil {
			return nil, err
		}
		all = append(all, p...)
	}
	lines = k.lines("patches", "patch")
	for i, entry := range k.Patches {
		line := lines.at(i)
		if i >= k.ownPatches {
			line = 0
		}
		p, err := b.readPatch(dir, k, entry, line)
		if err != nil {
			return nil, err
		}
		all = append(all, p...)
	}
	return all, nil
}

// patchLate applies what kustomize applies after the names have changed.
func (b *builder) patchLate(dir string, k *kustomization, objects []*object) error {
	lines := k.lines("patchesJson6902", "patch")
	for i, entry := range k.PatchesJson6902 {
		patches, err := b.readPatch(dir, k, entry, lines.at(i))
		if err != nil {
			return err
		}
		for _, p := range patches {
			if err := b.apply(k, p, objects); err != nil {
				return err
			}
		}
	}
	return b.replace(dir, k, objects)
}

// readPatch returns a patch that may be any, and leaves a note, if it cannot be
// read.
func (b *builder) readPatch(dir string, k *kustomization, entry kustypes.Patch, line int) ([]patch, error) {
	p := patch{target: entry.Target}
	if entry.Options != nil {
		p.options = *entry.Options
	}
	if err := b.spend(k.file, 1+patternSteps(p.target)+len(entry.Patch)/bytesPerStep); err != nil {
		return nil, err
	}
	if err := p.compile(); err != nil {
		b.note(k.file, "the target of a patch is no selector: "+brief(err.Error()))
		return nil, nil
	}
	if entry.Path == "" {
		p.add(parseFile("", []byte(entry.Patch), nil), inlineSource(k.file, line))
		return []patch{p}, nil
	}
	name, err := b.resolve(dir, entry.Path)
	if err != nil {
		return b.unreadPatch(p, k, entry.Path, err)
	}
	content, err := b.repo.read(name)
	if err != nil {
		return b.unreadPatch(p, k, entry.Path, err)
	}
	if err := b.spend(name, len(content)/bytesPerStep); err != nil {
		return nil, err
	}
	f := parseFile(name, content, nil)
	if bad := f.unreadable(); bad != nil && bad.err != nil {
		b.note(name, bad.err.Error())
	}
	p.add(f, source{file: name})
	return []patch{p}, nil
}

// inlineSource is a patch that is text in line of a kustomization file, or,
// without a line, in the Flux Kustomization.
func inlineSource(file string, line int) source {
	if line == 0 {
		return source{inline: problem(NotMarkable, "", 0,
			"the version is set by spec.patches of the Flux Kustomization; move that patch into a file of the repository")}
	}
	return source{file: file, inline: problem(NotMarkable, file, line,
		"the version is set by a patch inside this file, in which Flux ignores markers; move the patch into a file of its own and name it with path:")}
}

// add reads the documents of a patch's text.
func (p *patch) add(f *file, at source) {
	for _, doc := range f.docs {
		switch {
		case doc.root == nil:
		case doc.root.Kind == yaml.SequenceNode:
			p.operations = append(p.operations, readOperations(doc, at)...)
		case doc.root.Kind == yaml.MappingNode:
			metadata := follow(child(doc.root, yaml.MetadataField))
			p.merges = append(p.merges, patchMerge{
				merge:       merge{file: at.file, doc: doc, root: doc.root, patch: true, blocked: at.inline},
				object:      newObject(at.file, doc, doc.root),
				labels:      stringMap(child(metadata, yaml.LabelsField)),
				annotations: stringMap(child(metadata, yaml.AnnotationsField)),
			})
		}
	}
}

func readOperations(doc *document, at source) operations {
	var all operations
	for _, item := range doc.root.Content {
		item = follow(item)
		path := scalarValue(child(item, "path"))
		if !strings.HasPrefix(path, "/") {
			continue
		}
		step := operation{op: scalarValue(child(item, "op")), path: pointer(path), value: child(item, "value"), blocked: at.inline}
		if from := scalarValue(child(item, "from")); from != "" {
			step.from = pointer(from)
		}
		if step.blocked == nil {
			step.blocked = problem(NotMarkable, at.file, doc.line(item),
				"the version is set by a JSON6902 patch, in which Flux ignores markers; use a strategic merge patch in a file of its own")
		}
		all = append(all, step)
	}
	return all
}

// apply adds a patch of k to the objects that it selects.
func (b *builder) apply(k *kustomization, p patch, objects []*object) error {
	steps := 1 + len(p.operations)
	for _, m := range p.merges {
		steps += 1 + len(m.labels) + len(m.annotations)
	}
	if err := b.spend(k.file, steps*len(objects)); err != nil {
		return err
	}
	p.applyTo(objects)
	return nil
}

// applyTo adds the patch to the objects that it selects.
func (p patch) applyTo(objects []*object) {
	for _, o := range objects {
		if !o.removed {
			p.writeInto(o)
		}
	}
}

func (p patch) writeInto(o *object) {
	selected := p.selects(o)
	if why := p.doubt(o, selected); why != nil {
		o.layers = append(o.layers, unread{why})
	}
	if len(p.operations) > 0 && selected {
		o.layers = append(o.layers, p.operations)
		p.operations.identify(o)
	}
	for _, m := range p.merges {
		if selected || p.target == nil && m.names(o) {
			m.applyTo(o, p.options)
		}
	}
}

// doubt says why nobody can tell here whether the patch sets the object's
// version; nil if it can be told.
func (p patch) doubt(o *object, selected bool) *Problem {
	switch {
	case p.unread != nil && (selected || p.target == nil):
		return p.unread
	case p.byLabels():
		return o.relabeled
	default:
		return nil
	}
}

func (m patchMerge) names(o *object) bool {
	return m.object != nil && m.object.gvk.Group == o.gvk.Group && m.object.gvk.Kind == o.gvk.Kind && o.known(m.object.identity)
}

// mergeInto writes the labels or annotations of a patch over others.
func mergeInto(m, patch map[string]string) {
	if patch["$patch"] == "replace" {
		clear(m)
	}
	maps.Copy(m, patch)
	delete(m, "$patch")
}

func (m patchMerge) applyTo(o *object, options kustypes.PatchArgs) {
	if directive(m.root) == "delete" {
		o.removed = true
		return
	}
	o.layers = append(o.layers, m.merge)
	mergeInto(o.labels, m.labels)
	mergeInto(o.annotations, m.annotations)
	if name := scalarValue(child(follow(child(m.root, yaml.MetadataField)), "name")); options.AllowNameChange && name != "" {
		o.rename(identity{namespace: o.namespace, name: name})
	}
}

// identify carries out what the operations do to the object's name, labels and
// annotations, by which later patches select it.
func (p operations) identify(o *object) {
	for _, step := range p {
		if len(step.path) < 2 || step.path[0] != yaml.MetadataField {
			continue
		}
		switch step.path[1] {
		case "name":
			step.rename(o, identity{namespace: o.namespace, name: scalarValue(step.value)})
		case "namespace":
			step.rename(o, identity{namespace: scalarValue(step.value), name: o.name})
		case yaml.LabelsField:
			step.edit(o.labels)
		case yaml.AnnotationsField:
			step.edit(o.annotations)
		}
	}
}

// sets reports whether the operation writes its value.
func (o operation) sets() bool { return o.op == "replace" || o.op == "add" }

func (o operation) rename(object *object, to identity) {
	if o.sets() && len(o.path) == 2 {
		object.rename(to)
	}
}

// edit carries out an operation on the labels or annotations.
func (o operation) edit(m map[string]string) {
	switch {
	case len(o.path) == 3 && o.sets():
		m[o.path[2]] = scalarValue(o.value)
	case len(o.path) == 3 && o.op == "remove":
		delete(m, o.path[2])
	case len(o.path) == 2 && (o.sets() || o.op == "remove"):
		clear(m)
		maps.Copy(m, stringMap(o.value))
	}
}
