package markers

// Adopt puts the marker of ref in the place of somebody else's, the one that at
// has, and changes nothing else. It refuses as Place does, and where the marker is not
// the one that at says (NotFound).
func Adopt(content []byte, at Location, ref Ref) ([]byte, error) {
	if p := checkSize(at.File, content); p != nil {
		return nil, p
	}
	f := parseFile(at.File, content, nil)
	if f.refused != nil {
		return nil, f.refused
	}
	doc, s := f.find(at)
	if doc == nil || at.Marker == nil {
		return nil, problem(NotFound, at.File, at.Line, "the value %q with its marker is no longer here; locate it again", at.Value)
	}
	found := doc.markerAt(f.name, s.node)
	if found == nil || found.Raw != at.Marker.Raw {
		return nil, problem(NotFound, at.File, at.Line, "the marker %s is no longer here; locate it again", at.Marker.Raw)
	}
	lines := &lineReader{content: content}
	comment, ok := lines.commentSpan(marked{doc: doc, scalar: s.node, found: *found}, found.Line)
	if !ok {
		return nil, problem(NotMarkable, at.File, at.Line, "the marker %s does not stand at the end of this line; remove it by hand", found.Raw)
	}
	without := cut(content, []span{comment})
	if !f.sameDocuments(without) {
		return nil, problem(NotMarkable, at.File, at.Line, "without the marker %s the file would say something else; remove it by hand", found.Raw)
	}
	at.Marker = nil
	return Place(without, at, ref)
}
