package batch

// counts of what happened. closed is how often a batch was disarmed because of a schedule; the last ones are about push branches.
type counts struct {
	armed, written, raced, restored, rolled, resumed, closed, left, steps int
	proposed, withdrawn, merged, refused, deleted, markers, recalled      int
}

func (c *counts) add(o counts) {
	c.armed, c.written, c.raced = c.armed+o.armed, c.written+o.written, c.raced+o.raced
	c.restored, c.left, c.steps = c.restored+o.restored, c.left+o.left, c.steps+o.steps
	c.rolled, c.resumed, c.closed = c.rolled+o.rolled, c.resumed+o.resumed, c.closed+o.closed
	c.proposed, c.withdrawn, c.merged = c.proposed+o.proposed, c.withdrawn+o.withdrawn, c.merged+o.merged
	c.refused, c.deleted, c.markers = c.refused+o.refused, c.deleted+o.deleted, c.markers+o.markers
	c.recalled += o.recalled
}
