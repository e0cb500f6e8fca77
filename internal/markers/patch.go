package markers

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
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
	// inline is the Problem of a version inside the text of another file, stepwise that of one in a JSON6902 patch there.
	inline, stepwise *Problem
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
		return b.addPatch(p, k, "inside this file", parseFile("", []byte(entry.Patch), nil), inlineSource(k.file, line))
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
	return b.addPatch(p, k, entry.Path, parseFile(name, content, nil), source{file: name})
}

// inlineSource is a patch that is text in line of a kustomization file, or,
// without a line, in the Flux Kustomization.
func inlineSource(file string, line int) source {
	if line == 0 {
		return source{
			inline: problem(NotMarkable, "", 0,
				"the version is set by spec.patches of the Flux Kustomization; move that patch into a file of the repository"),
			stepwise: problem(NotMarkable, "", 0, "the version is set by a JSON6902 patch in spec.patches of the Flux Kustomization; "+
				"write it as a strategic merge patch in a file of the repository"),
		}
	}
	return source{
		file: file,
		inline: problem(NotMarkable, file, line,
			"the version is set by a patch inside this file, in which Flux ignores markers; move the patch into a file of its own and name it with path:"),
		stepwise: problem(NotMarkable, file, line, "the version is set by a JSON6902 patch inside this file, in which Flux ignores markers; "+
			"write it as a strategic merge patch in a file of its own and name that with path:"),
	}
}

// add reads the documents of a patch's text.
func (p *patch) add(f *file, at source) {
	for _, doc := range f.docs {
		switch {
		case doc.root == nil:
		case doc.root.Kind == yaml.SequenceNode:
			p.operations = append(p.operations, readOperations(doc, at)...)
		case doc.root.Kind == yaml.MappingNode:
			for _, root := range unwrap(doc.root) { // kustomize takes a list of patches, too
				p.merges = append(p.merges, readMerge(doc, follow(root), at))
			}
		}
	}
}

func readMerge(doc *document, root *yaml.Node, at source) patchMerge {
	metadata := follow(child(root, yaml.MetadataField))
	return patchMerge{
		merge:       merge{file: at.file, doc: doc, root: root, patch: true, blocked: at.inline},
		object:      newObject(at.file, doc, root),
		labels:      stringMap(child(metadata, yaml.LabelsField)),
		annotations: stringMap(child(metadata, yaml.AnnotationsField)),
	}
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

// writeInto adds the patch to an object that it selects, or that it may select.
func (p patch) writeInto(o *object) {
	selected := p.selects(o)
	why, before, was, previous := p.doubt(o, selected), len(o.layers), o.identity, o.previous
	p.write(o, selected || why != nil)
	if why == nil {
		return
	}
	o.doubt(before, was, why)
	if len(o.previous) < len(previous) {
		o.previous, o.renamed, o.forgotten = previous, why, true
	}
	if !selected {
		o.identity = was
	}
}

func (p patch) write(o *object, selected bool) {
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
	case o.renamed != nil && p.means(o.gvk) && (o.forgotten || !p.meansOriginal(o)):
		return o.renamed
	case p.byLabels() && p.selectsWithAny(o):
		return o.relabeled
	default:
		return nil
	}
}

// means reports whether the patch is for some object of that kind.
func (p patch) means(gvk resid.Gvk) bool {
	if p.target != nil {
		return p.selector != nil && p.selector.MatchGvk(gvk)
	}
	return slices.ContainsFunc(p.merges, func(m patchMerge) bool {
		return m.object != nil && m.object.gvk.Group == gvk.Group && m.object.gvk.Kind == gvk.Kind
	})
}

// meansOriginal reports whether the patch is for the object by its original
// name, whatever it is called now.
func (p patch) meansOriginal(o *object) bool {
	original := o.original()
	if p.target != nil {
		return p.selector.MatchName(original.name) && p.selector.MatchNamespace(original.effective())
	}
	return slices.ContainsFunc(p.merges, func(m patchMerge) bool { return m.object != nil && m.object.same(original) })
}

func (m patchMerge) names(o *object) bool {
	return m.object != nil && m.object.gvk.Group == o.gvk.Group && m.object.gvk.Kind == o.gvk.Kind && o.known(m.object.identity)
}

func (m patchMerge) applyTo(o *object, options kustypes.PatchArgs) {
	switch directive(m.root) {
	case "delete":
		o.removed = true
		return
	case "replace":
		m.replace(o)
		return
	}
	o.layers = append(o.layers, m.merge)
	mergeInto(o.labels, m.labels)
	mergeInto(o.annotations, m.annotations)
	if name := scalarValue(child(follow(child(m.root, yaml.MetadataField)), "name")); options.AllowNameChange && name != "" {
		o.turned = true
		o.rename(identity{namespace: o.namespace, name: name})
	}
	if discards(m.annotations) { // kustomize remembers previous names in there
		o.previous = nil
	}
}

// replace is not followed: what becomes of the object depends on the schema that kustomize knows of its kind.
func (m patchMerge) replace(o *object) {
	file, line := m.file, m.doc.line(m.root)
	if m.blocked != nil {
		file, line = m.blocked.File, m.blocked.Line
	}
	why := problem(NotMarkable, file, line, "a patch replaces the whole object ($patch: replace), which is not followed; let it set the fields that it is about")
	o.layers, o.relabeled = append(o.layers, unread{why}), why
}
