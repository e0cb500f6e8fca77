package batch

import (
	"fmt"
	"path"
	"strings"
)

// ForeignAutomation is an ImageUpdateAutomation that the operator did not make, in the namespace of the pins and over their
// repository branch.
type ForeignAutomation struct {
	Key Key
	// Path is its update.path.
	Path string
	// Selects says whether its selector takes pins with these labels; no selector takes all.
	Selects func(labels map[string]string) bool
}

// Conflict says what to do if the automation would write the file of a pin with these labels; empty if it would not. A file
// that is not known yet may be anywhere.
func (f ForeignAutomation) Conflict(file string, labels map[string]string, selector string) string {
	if !f.Writes(file, labels) {
		return ""
	}
	return fmt.Sprintf("ImageUpdateAutomation %s writes every ImagePolicy that it selects in this repository, and would write "+
		"this version too; limit it with spec.policySelector: %s", f.Key, selector)
}

// Writes says whether the automation would write the marker of an ImagePolicy with these labels in a file.
func (f ForeignAutomation) Writes(file string, labels map[string]string) bool {
	return f.Selects(labels) && within(file, f.Path)
}

func within(file, folder string) bool {
	folder = path.Clean("/" + folder)
	return file == "" || folder == "/" || strings.HasPrefix("/"+file, folder+"/")
}
