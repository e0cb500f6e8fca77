package markers

import (
	"encoding/json"
	"strings"
)

// foreign returns a Problem if a comment stands where the marker should, or a
// marker where Flux does not look for one.
func (d *document) foreign(name string, s site) *Problem {
	comment := s.node.LineComment
	if comment == "" {
		return d.markerAbove(name, s)
	}
	line := d.line(s.node)
	if _, _, live := parseComment(comment); live {
		return problem(ForeignMarker, name, line, "the line carries another marker, %s; remove that marker, or leave this line to it", comment)
	}
	if mistake := mistakeIn(comment); mistake != "" {
		return problem(ForeignMarker, name, line, "Flux ignores the marker on this line, because %s; remove it, so that it can be placed anew", mistake)
	}
	return problem(ForeignMarker, name, line,
		"the line carries a comment, and Flux reads a marker only when nothing else is in the comment; move the comment to the line above")
}

// markerAbove returns a Problem if a marker stands in the lines above a key,
// where Flux ignores it. (Above a list item it does not.)
func (d *document) markerAbove(name string, s site) *Problem {
	if s.key == nil || !strings.Contains(s.key.HeadComment, token) {
		return nil
	}
	line := d.line(s.key)
	lines := strings.Split(d.text, "\n")
	for i := min(line-d.firstLine, len(lines)) - 1; i >= 0; i-- {
		if strings.Contains(lines[i], token) {
			return problem(ForeignMarker, name, d.firstLine+i,
				"Flux ignores the marker on this line, because it is above the value and not beside it; "+
					"remove it, so that one can be placed at the end of line %d", line)
		}
	}
	return nil
}

// mistakeIn says why Flux takes a comment for an ordinary one that is meant to
// be a marker; empty if it is not meant to be one.
func mistakeIn(comment string) string {
	if !strings.Contains(comment, shortHand) {
		return ""
	}
	var fields map[string]any
	if json.Unmarshal([]byte(strings.TrimLeft(comment, "#")), &fields) != nil {
		return "nothing may stand before or after its JSON object, which must be valid"
	}
	text, isText := fields[shortHand].(string)
	parts := strings.Split(text, ":")
	switch {
	case !isText || len(fields) != 1:
		return "its JSON object must have the one key " + token + " with a text"
	case strings.Contains(text, "$"):
		return "a variable in it is never replaced: Flux reads the repository, not what is applied"
	case strings.Contains(text, "/"):
		return "the namespace is separated by a colon, not by a slash"
	case len(parts) < 2 || len(parts) > 3:
		return "it must have the form namespace:policy:tag"
	case len(parts) == 3 && !knownSuffix(parts[2]):
		return "only tag, name and digest may follow the policy"
	default:
		return "its namespace and policy must be names of Kubernetes objects"
	}
}
