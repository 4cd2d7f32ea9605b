using Mainstay.Core;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http.Files;
using Mainstay.Engine.Offload;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http.Files;

/// <summary>
/// The files that one shard has open or in memory, by name, last used last thrown out. A name's file is believed for its site's time; then it is
/// opened again, and what has not changed is kept. Files that do not exist are not remembered: the kernel does that, and nobody can fill
/// this with names.
/// </summary>
internal sealed class FileCache(EventLoop loop, OffloadPool offload, int maxDescriptors) : TimerNode, ILoopReceiver
{
    private const int MaxEntries = 8192;
    private const int MaxContentBytes = 32 * 1024 * 1024;

    /// <summary>A file that nobody asks for is closed, so that a deleted one gives its space back.</summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_sweep = TimeSpan.FromSeconds(15);

    private readonly Dictionary<FileKey, FileEntry> _entries = new(new FileKeyComparer());
    private readonly Stack<FileLookup> _freeLookups = new();
    private FileEntry? _newest;
    private FileEntry? _oldest;
    private long _contentBytes;
    private int _descriptors;
    private long _hits;
    private long _looks;
    private long _offloaded;
    private bool _isClosed;

    /// <summary>Requests answered from what was open already, looks at files, and those that had to wait for the disk; any thread.</summary>
    public (long Hits, long Looks, long Offloaded) Counts => (Volatile.Read(ref _hits), Volatile.Read(ref _looks), Volatile.Read(ref _offloaded));

    /// <summary>Descriptors held and bytes of contents in memory; any thread.</summary>
    public (int Descriptors, long Bytes) Held => (Volatile.Read(ref _descriptors), Volatile.Read(ref _contentBytes));

    /// <summary>Finds a file, or asks for it: then the exchange is told, unless its request is another one by then.</summary>
    public FileFound Find(FileSite site, ReadOnlySpan<byte> name, bool isDirectory, Exchange exchange, int serial, out FileEntry? entry)
    {
        _entries.GetAlternateLookup<FileKeySpan>().TryGetValue(new FileKeySpan(site.Number, name, isDirectory), out entry);
        if (entry is { Lookup: { } pending })
        {
            pending.Waiters.Add((exchange, serial));
            return FileFound.Waiting;
        }

        if (entry is not null && loop.Now < entry.ValidUntil)
        {
            Volatile.Write(ref _hits, _hits + 1);
            Touch(entry);
            return FileFound.File;
        }

        Volatile.Write(ref _looks, _looks + 1);
        if (!_freeLookups.TryPop(out FileLookup? lookup)) lookup = new FileLookup(this);
        lookup.Start(site, name, isDirectory);
        if (lookup.TryRun(cachedOnly: true, entry)) return Settle(lookup, ref entry);
        Volatile.Write(ref _offloaded, _offloaded + 1);
        entry ??= Add(new FileKey(site.Number, name.ToArray(), isDirectory));
        lookup.Waiters.Add((exchange, serial));
        lookup.Entry = entry;
        entry.Lookup = lookup;
        if (offload.TryRun(lookup)) return FileFound.Waiting;
        entry.Lookup = null;
        if (entry.Available == CodingSet.None) Remove(entry);
        Recycle(lookup);
        return FileFound.Unavailable;
    }

    /// <summary>The file has changed behind its descriptor: the next to ask opens it anew.</summary>
    public static void Invalidate(FileEntry entry) => entry.ValidUntil = default;

    /// <summary>Has a piece of a file read into memory; the exchange is told. False: too much waits already.</summary>
    public bool TryWarmUp(Exchange exchange, int serial, Representation file, long offset, long length)
    {
        file.Users++;
        if (offload.TryRun(new FileWarmUp(this, exchange, serial, file, offset, length))) return true;
        file.Users--;
        return false;
    }

    public void Release(Representation file)
    {
        file.Users--;
        if (file.IsDetached && file.Users == 0) Free(file);
    }

    /// <summary>From the offload pool.</summary>
    public void Post(object result) => loop.Post(this, result);

    public void OnMessage(object? content, long number)
    {
        if (content is FileWarmUp warm)
        {
            warm.Exchange.OnFileWarm(warm.Serial);
            Release(warm.File);
            return;
        }

        var lookup = (FileLookup)content!;
        FileEntry? entry = lookup.Entry!;
        entry.Lookup = null;
        entry.IsPinned = true;
        FileEntry pinned = entry;
        (Exchange Exchange, int Serial)[] waiters = [.. lookup.Waiters];
        FileFound found = Settle(lookup, ref entry);
        foreach ((Exchange exchange, int serial) in waiters) exchange.OnFileLookedUp(serial, found, entry);
        pinned.IsPinned = false;
        if (_isClosed) Clear();
    }

    /// <summary>Closes what has not been used for a while.</summary>
    public override void OnDeadline(Instant now)
    {
        for (FileEntry? entry = _oldest, next; entry is not null && now - entry.LastUsed > s_idle; entry = next)
        {
            next = entry.Newer;
            if (entry.Lookup is null && !entry.IsPinned) Remove(entry);
        }

        if (_oldest is not null) loop.Arm(this, now + s_sweep);
    }

    /// <summary>The shard ends.</summary>
    public void Clear()
    {
        _isClosed = true;
        for (FileEntry? entry = _oldest, next; entry is not null; entry = next)
        {
            next = entry.Newer;
            if (entry.Lookup is null) Remove(entry);
        }

        loop.Disarm(this);
    }

    /// <summary>Takes over what a look has found.</summary>
    private FileFound Settle(FileLookup lookup, ref FileEntry? entry)
    {
        FileFound found = lookup.Found;
        if (found == FileFound.File)
        {
            entry ??= Add(new FileKey(lookup.Site.Number, lookup.IsDirectory ? DirectoryOf(lookup) : lookup.ServedName.ToArray(), lookup.IsDirectory));
            Keep(lookup, entry);
            Touch(entry);
            Trim(maxDescriptors);
        }
        else
        {
            if (entry is not null) Remove(entry);
            entry = null;
            if (lookup.Error is Errno.EMFILE or Errno.ENFILE && found == FileFound.Unavailable) Trim(0);
        }

        Recycle(lookup);
        return found;
    }

    /// <summary>The name that was asked for: what was served without its index file.</summary>
    private static byte[] DirectoryOf(FileLookup lookup)
    {
        ReadOnlySpan<byte> served = lookup.ServedName;
        int slash = served.LastIndexOf((byte)'/');
        return slash < 0 ? [] : served[..slash].ToArray();
    }

    private void Keep(FileLookup lookup, FileEntry entry)
    {
        var available = CodingSet.None;
        for (int i = 0; i < ContentCodings.Count; i++)
            if (lookup[(ContentCoding)i].IsThere) available |= (CodingSet)(1 << i);
        bool varies = available != CodingSet.Identity;
        bool headsStay = entry.Available != CodingSet.None && entry.Available != CodingSet.Identity == varies;
        for (int i = 0; i < ContentCodings.Count; i++)
        {
            var coding = (ContentCoding)i;
            OpenedFile opened = lookup[coding];
            if (opened.IsUnchanged && headsStay) continue;
            FileStatus status = opened.Status;
            FileHead? head = !opened.IsThere ? null : new FileHead(
                new FileVersion(status.Size, status.ModifiedNanoseconds), lookup.Site.MediaTypes.Of(lookup.ServedName), coding, varies,
                lookup.Site.Snapshot.CacheControl);
            if (opened.IsUnchanged)
            {
                entry[coding]!.Head = head!;
                continue;
            }

            Detach(entry, coding);
            if (head is null) continue;
            bool isSettled = loop.UnixNanoseconds - status.ChangedNanoseconds >= FileVersion.UnsettledNanoseconds;
            entry[coding] = new Representation(status, opened.Descriptor, opened.Content, isSettled) { Head = head };
            Account(entry[coding]!, 1);
        }

        entry.Available = available;
        entry.ValidUntil = loop.Now + lookup.Site.Snapshot.Revalidate;
    }

    private FileEntry Add(FileKey key)
    {
        var entry = new FileEntry(key);
        _entries.Add(key, entry);
        if (_oldest is null) loop.Arm(this, loop.Now + s_sweep);
        LinkNewest(entry);
        return entry;
    }

    private void Remove(FileEntry entry)
    {
        _entries.Remove(entry.Key);
        Unlink(entry);
        for (int i = 0; i < ContentCodings.Count; i++) Detach(entry, (ContentCoding)i);
        entry.Available = CodingSet.None;
    }

    private void Detach(FileEntry entry, ContentCoding coding)
    {
        if (entry[coding] is not { } file) return;
        entry[coding] = null;
        file.IsDetached = true;
        if (file.Users == 0) Free(file);
    }

    private void Free(Representation file)
    {
        Account(file, -1);
        file.Free();
    }

    private void Account(Representation file, int sign)
    {
        if (!file.IsInMemory) Volatile.Write(ref _descriptors, _descriptors + sign);
        Volatile.Write(ref _contentBytes, _contentBytes + sign * file.ContentCapacity);
    }

    /// <summary>Throws out what was used longest ago until everything is within its bounds. What exchanges are sending stays until they are done.</summary>
    private void Trim(int descriptors)
    {
        for (FileEntry? entry = _oldest, next; entry is not null; entry = next)
        {
            if (_descriptors <= descriptors && _entries.Count <= MaxEntries && _contentBytes <= MaxContentBytes) return;
            next = entry.Newer;
            if (entry.Lookup is null && !entry.IsPinned && entry != _newest) Remove(entry);
        }
    }

    private void Recycle(FileLookup lookup)
    {
        lookup.Forget();
        _freeLookups.Push(lookup);
    }

    private void Touch(FileEntry entry)
    {
        entry.LastUsed = loop.Now;
        if (_newest == entry) return;
        Unlink(entry);
        LinkNewest(entry);
    }

    private void LinkNewest(FileEntry entry)
    {
        entry.LastUsed = loop.Now;
        entry.Newer = null;
        entry.Older = _newest;
        if (_newest is not null) _newest.Newer = entry;
        else _oldest = entry;
        _newest = entry;
    }

    private void Unlink(FileEntry entry)
    {
        if (entry.Newer is not null) entry.Newer.Older = entry.Older;
        else _newest = entry.Older;
        if (entry.Older is not null) entry.Older.Newer = entry.Newer;
        else _oldest = entry.Newer;
        entry.Newer = entry.Older = null;
    }
}
