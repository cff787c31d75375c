// Where batches wait. A storage has four methods: `keys()`, `get(id)`, `put(id, row)` and
// `remove(id)`, which tells whether it was there; all may be asynchronous, and may fail.

const STORE = "batches";

/** Rows in IndexedDB, shared by all tabs of an origin. */
export function indexedDBStorage(name) {
  let opened;

  function open() {
    opened ||= new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      request.onsuccess = () => {
        request.result.onversionchange = () => forget(request.result); // a page may delete it
        resolve(request.result);
      };
      request.onerror = () => {
        opened = undefined;
        reject(request.error);
      };
    });
    return opened;
  }

  /** The next one opens it again. */
  function forget(database) {
    opened = undefined;
    database.close();
  }

  async function run(mode, work) {
    const database = await open();
    try {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.commit?.(); // at once, so that a page which is left still stores
      return await new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(transaction.error);
      });
    } catch (error) {
      forget(database); // the browser may have closed it
      throw error;
    }
  }

  return {
    keys: () => run("readonly", (store) => store.getAllKeys()),
    get: (id) => run("readonly", (store) => store.get(id)),
    put: (id, row) => run("readwrite", (store) => store.put(row, id)),
    remove: async (id) => {
      const found = await run("readwrite", (store) => {
        const request = store.getKey(id);
        store.delete(id);
        return request;
      });
      return found !== undefined;
    },
  };
}
