package markers

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestDraftAgreesWithPlace places several markers in random files, one after
// the other in one draft and each in the file that the one before has left.
func TestDraftAgreesWithPlace(t *testing.T) {
	placed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		content := (&writer{t: t}).file()
		draft := NewDraft("f.yaml", content)
		for range 8 {
			choice := rapid.UintRange(0, 20).Draw(t, "value")
			at, _, ok := valueAt(content, choice)
			if !ok {
				return
			}
			ref := Ref{Namespace: "org-acme", Policy: rapid.SampledFrom([]string{"one", "two", "three", "other"}).Draw(t, "pin")}
			want, wantErr := Place(content, at, ref)
			err := draft.Place(at, ref)
			if fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("the draft says %v, Place %v, at %+v of\n%s", err, wantErr, at, content)
			}
			if err != nil {
				refused++
				want = content
			} else if !bytes.Equal(want, content) {
				placed++
			}
			if content = want; !bytes.Equal(draft.Content(), content) {
				t.Fatalf("the draft has\n%s\nand not\n%s", draft.Content(), content)
			}
		}
	})
	if placed == 0 || refused == 0 {
		t.Errorf("%d placed, %d refused: the files are too much alike", placed, refused)
	}
}
