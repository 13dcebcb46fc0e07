export function packagesLoad(): Promise<void>;
export function pack(packageFolder: string, folder: string): Promise<void>;
