namespace Mainstay.Core.Http2;

/// <summary>
/// The streams of a connection by slot and by identifier. Slots are used again; storage grows with the streams that are open at
/// once and comes from the shard's shelves.
/// </summary>
internal sealed class StreamTable(Http2Shelves shelves)
{
    private Http2Stream[] _streams = [];

    /// <summary>Slot + 1 by identifier, open addressing; twice as many places as slots. 0: free.</summary>
    private int[] _places = [];
    private int _used;
    private int _firstFree = -1;

    public int Count { get; private set; }

    public ref Http2Stream this[int slot] => ref _streams[slot];

    /// <summary>Slots that were ever in use: those to go through; free ones have identifier 0.</summary>
    public int Slots => _used;

    public bool IsAlive(StreamRef stream) => (uint)stream.Slot < (uint)_used && _streams[stream.Slot].Id == stream.Id && stream.Id != 0;

    /// <summary>Slot of a stream, or -1.</summary>
    public int Find(int id)
    {
        if (Count == 0) return -1;
        int mask = _places.Length - 1;
        for (int at = Hash(id) & mask; _places[at] != 0; at = (at + 1) & mask)
            if (_streams[_places[at] - 1].Id == id) return _places[at] - 1;
        return -1;
    }

    /// <summary>Adds a stream that is not in the table. Returns its slot; all but the identifier is at its default.</summary>
    public int Add(int id)
    {
        if (_firstFree < 0 && _used == _streams.Length) Grow();
        int slot = _firstFree >= 0 ? _firstFree : _used++;
        if (slot == _firstFree) _firstFree = _streams[slot].NextFree;
        _streams[slot] = new Http2Stream { Id = id };
        Count++;
        Place(id, slot);
        return slot;
    }

    public void Remove(int slot)
    {
        int mask = _places.Length - 1;
        int hole = Hash(_streams[slot].Id) & mask;
        while (_places[hole] != slot + 1) hole = (hole + 1) & mask;

        // What stands behind the hole moves up, unless it is where it belongs already.
        for (int at = (hole + 1) & mask; _places[at] != 0; at = (at + 1) & mask)
        {
            int home = Hash(_streams[_places[at] - 1].Id) & mask;
            if (((at - home) & mask) < ((at - hole) & mask)) continue;
            _places[hole] = _places[at];
            hole = at;
        }

        _places[hole] = 0;
        _streams[slot].Id = 0;
        _streams[slot].NextFree = _firstFree;
        _firstFree = slot;
        Count--;
    }

    /// <summary>Gives the storage back; the table is as new.</summary>
    public void Release()
    {
        shelves.Streams.Return(_streams);
        shelves.Places.Return(_places);
        _streams = [];
        _places = [];
        _used = Count = 0;
        _firstFree = -1;
    }

    /// <summary>Identifiers of one side differ by two.</summary>
    private static int Hash(int id) => id >> 1;

    private void Place(int id, int slot)
    {
        int mask = _places.Length - 1;
        int at = Hash(id) & mask;
        while (_places[at] != 0) at = (at + 1) & mask;
        _places[at] = slot + 1;
    }

    private void Grow()
    {
        shelves.Streams.Grow(ref _streams, _used, Math.Max(8, _streams.Length * 2));
        shelves.Places.Return(_places);
        _places = shelves.Places.Rent(_streams.Length * 2);
        _places.AsSpan().Clear();
        for (int slot = 0; slot < _used; slot++)
            if (_streams[slot].Id != 0) Place(_streams[slot].Id, slot);
    }
}
